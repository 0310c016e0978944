"""Line drawings: a picture's edges become long lines, the lines strokes of a pen, and these a page for a plotter."""
