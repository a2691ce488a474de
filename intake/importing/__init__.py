"""Past petitions from a table file, through the same path as everybody's: columns, tables, rows, and the run itself.

A row is keyed by (source, row id), so that a file may be imported again, or the run be killed and started anew.
"""
