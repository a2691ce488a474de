"""What staff see: what waits for them, the review queue, case files, replies to release, and administration.

Views only translate between a person and the operations below; no rule may enter.
"""
