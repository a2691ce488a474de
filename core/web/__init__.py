"""What every page stands on: who may use a route, the hub's parts, base templates, macros, stylesheet, headers, forms.

Knows nothing of citizens or cases. Pages of a room live in that room; a new part of the look enters here.
"""
