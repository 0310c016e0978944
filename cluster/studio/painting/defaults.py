"""How a picture is painted where nothing else is asked for; the command shows it without loading the rest."""

STROKES = 500
SIZE = 1024  # of painting.png, its longer side in pixels
BRUSH = "deevad/brush"
