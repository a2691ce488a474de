"""Search over published replies (public) and cases (internal): documents, queries, engines behind one interface.

Everything here is derived data: deleting it loses nothing, it is filled again from the database. Only masked text and
published replies may enter. Text is cut in our code (tokens.py), so that each engine indexes the same tokens; engines
know nothing of Chinese, of permissions or of the database. May import cases and below; nothing above.
"""
