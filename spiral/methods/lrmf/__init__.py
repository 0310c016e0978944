"""Aligning two sets of pictures by the likelihoods of densities, without a game: the loss is 0 where it succeeded."""
