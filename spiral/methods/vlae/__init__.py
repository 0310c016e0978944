"""MMD-VLAE: a ladder of codes, of which low ones hold style and high ones what a picture is of."""
