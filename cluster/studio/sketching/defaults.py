"""How a picture is sketched where nothing else is asked for; the command shows it without loading the rest."""

STROKES, MOST_STROKES = 300, 100_000
BRUSH = "deevad/ballpen"
