"""Many runs that compete, copy each other and vary their settings (thesis A.3), by Ray Tune."""
