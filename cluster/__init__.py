"""The composition of a run, on Ray and Redis or in one process, and the command line (thesis, section 6.3.4)."""
