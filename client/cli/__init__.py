"""The command line: `python -m client --help`."""
