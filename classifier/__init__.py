"""Text and taxonomy in, a suggestion with confidence and evidence out.

Lives here: the word lists, the model that ships with the hub, its training and its evaluation. A pure library: no
database, no HTTP, no queue; of our own code only core.text may enter.
"""
