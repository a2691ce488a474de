"""The desk of the hotline: calls registered, callers' earlier submissions, call-backs, harassing numbers, checks.

Forms call intake and operations of cases; no rule of its own and no provider's dialect may enter.
"""
