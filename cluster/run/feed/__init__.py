"""The live feed of a run: what is shown, how it is packed, and where it is kept."""
