"""DeepWarp: a picture is changed by moving its pixels, coarsely and then finely, and correcting their lightness."""
