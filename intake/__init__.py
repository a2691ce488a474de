"""From what came in (a delivery, a form, a call) to a submission and its case, and on to whoever should handle it.

Dialogues, forms, text preparation and automatic diversion live here. May import search, cases, organisations, channels,
classifier and core; knows nothing of pages or of sending. What runs in the inbox's transaction is short and pure.
"""
