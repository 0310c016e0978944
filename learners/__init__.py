"""The two learners of SPIRAL and what they keep: replay, weights, checkpoints (thesis, section 6.3.4)."""
