"""One run: its loop, length and folder, the engine's contract and its form in one process, and what is written down."""
