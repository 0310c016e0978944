"""N4-Fields: edges as those of the patches most alike whose edges are known (thesis, chapter 3)."""
