"""What is measured, and the rivals that it is measured beside: part of a clone, and not installed."""
