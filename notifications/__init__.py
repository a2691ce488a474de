"""What the hub says first: notices to citizens by their channel and to staff on their page; templates, outbox, delivery.

Derived from events: nothing here changes a case. A notice is a row before it is sent, and once however often a job runs.
"""
