"""Whatever a person hands to the command, it answers in one line; see `__main__.py`.

Each kind of input is a function that writes the files of one input into a folder and returns the words of a command
that reads them: whole files that were damaged, and made-up ones. Before the words may stand variables, as in a shell.
"""
