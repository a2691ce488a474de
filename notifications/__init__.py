"""What the hub says first: notices to citizens by their channel and to staff on their page; outbox and delivery.

Derived from events: nothing here changes a case. A notice is a row before it is sent, and one row however often a job
runs.
"""
