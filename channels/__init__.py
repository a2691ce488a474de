"""What comes in from outside and goes out again: the adapter contract, the registry, the inbox, one webhook blueprint.

A provider's dialect is one file in channels/adapters/. Nothing here knows of submissions or cases: what the rooms above
do with an item is bound by app.py (`channels.inbox.Bindings`).
"""
