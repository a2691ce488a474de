"""The domain: what citizens submitted, the cases the city handles, and every operation that changes one.

`workflow.py` and `deadlines.py` are rules as data and import only the standard library; `models/` are the records;
`operations/` is the only place that changes them. No HTTP, no queue, no provider's dialect may enter.
"""
