"""Self-defence: a translation there and back that hides nothing on the way."""
