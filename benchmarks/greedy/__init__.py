"""A rival to agents that paint: greedy search, stroke by stroke, with the same brush and the same commands."""
