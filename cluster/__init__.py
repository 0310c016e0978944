"""The composition of a run, on Ray and Redis or in one process, and the command line (thesis, section 6.3.4)."""

import os

# OpenMP's threads wait for each other by spinning. Where another process has the core, that costs a whole time slice at
# every step of every layer (measured: 25 times as long). It is read when torch is first imported, so it is set here.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
