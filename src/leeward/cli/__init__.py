"""The command line: the same acts as everywhere, one file a command, and the voice they share."""
