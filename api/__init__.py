"""What programs see: /api/v1, Open311, outgoing webhooks.

Views only translate; what they do is done by the rooms below. No page for people and no provider's dialect may enter.
"""
