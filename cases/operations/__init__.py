"""Every change of a case, one module per concept. An operation is an imperative verb that takes a session, the acting
person, the moment and plain values; it checks permission and state, writes the change and one past-tense event.
"""
