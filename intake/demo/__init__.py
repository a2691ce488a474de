"""The demonstration city's petitions (cases/demo/petitions-*.json) become rows, each told through the real operations.

What may enter: how a petition's course is told, and the sentences that staff and citizens say in it (phrases.json).
"""
