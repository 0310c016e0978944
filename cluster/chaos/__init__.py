"""A campaign against a run: its processes are killed one after the other, and what it promised is checked."""
