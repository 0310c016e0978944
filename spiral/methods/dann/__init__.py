"""DANN: features that say what is shown, and not from which domain (thesis, chapter 5)."""
