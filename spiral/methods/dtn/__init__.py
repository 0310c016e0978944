"""DTN: a picture of one kind becomes a picture of another kind that says the same."""
