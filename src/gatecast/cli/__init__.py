"""The front end: a command line, its tables and charts. Nothing below imports it."""
