"""The composition of a run, on Ray and Redis or in one process, and the command line (thesis, section 6.3.4)."""

import os

# OpenMP's threads wait for each other by spinning, some milliseconds by default. That keeps cores from the threads that
# paint and from other processes; a thread that sleeps at once is woken at every step of every layer. Spinning for some
# microseconds has neither cost: measured with two threads, a step of the local engine takes 0.97 of the default's time
# and 0.61 of that without spinning. It is read when torch is first imported, so it is set here.
os.environ.setdefault("GOMP_SPINCOUNT", "10000")
