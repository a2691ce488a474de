"""Who is late and why: lateness.py says which work of which office is late, why, and what cards were given for it.

Derived from clocks and events; changes nothing. Cards themselves are given by the sweep of cases. No page may enter.
"""
