"""Agents of other libraries, and small programs to begin with: part of a clone, and not installed."""
