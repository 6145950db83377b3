"""Messages, calls and other rows of archives, as values."""
