"""How a picture is painted where nothing else is asked for; the command shows it without loading the rest."""

STROKES = 500
BRUSH = "deevad/brush"
