"""MetaPose: positions in three dimensions from several views, calibrated to nobody, without labels of such positions."""
