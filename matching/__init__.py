"""Whether two submissions are about the same matter: scorer, candidates, topics.

Reads masked texts, proposes, decides nothing: an officer merges. No page and no channel may enter.
"""
