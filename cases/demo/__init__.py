"""Petitions of the demonstration city 棠川市, each written by hand, dated in days before the clock.

Invented persons, phones (199 0000 xxxx), identity numbers and number plates. Only JSON files in UTF-8 may enter;
no two texts share a run of twelve characters (tests/cases/test_demo_texts.py).
"""
