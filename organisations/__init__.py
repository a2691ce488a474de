"""Who works where, and the rows that administrators change.

Areas, organisations and their superiors, staff accounts, posts, roles and permissions, sessions, working calendars,
dictionaries and the routing catalogue. Nothing about a case may enter here: cases refer to these rows, never the
other way round. May import core, channels and classifier only.
"""
