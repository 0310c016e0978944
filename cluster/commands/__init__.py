"""What the command `spiral` can be asked for: one file for each group of commands."""
