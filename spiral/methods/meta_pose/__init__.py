"""MetaPose: positions in space and cameras from several views, without labels or calibration."""
