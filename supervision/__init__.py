"""Who is late and why: cards, monitors, evaluation of units, reports.

Derived from events and clocks; changes a case only through operations of cases. No page may enter.
"""
