"""A Functions host and Azurite on one machine, for development and tests: `python -m local`. Never deployed."""
