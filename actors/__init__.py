"""Actors: an agent paints, and its episodes become trajectories (thesis, section 6.3.4)."""
