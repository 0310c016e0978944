"""A picture painted from coarse to fine by one agent: the whole first, then ever smaller parts of it.

`pyramid.py` says which parts and how many strokes for each, `hand.py` what strokes the agent would make there,
`easel.py` which of them brings the whole canvas nearer to the picture, and `painter.py` puts the three together.
"""
