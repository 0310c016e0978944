"""The live page: a server that reads a run's live feed in Redis, and a page for any browser that shows it."""
