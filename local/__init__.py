"""A Functions host and Azurite on one machine, for development and tests: `python -m local`. It is never deployed."""
