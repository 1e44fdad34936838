"""Runs the command line: `python -m client`."""

import sys

from client.cli.main import main

sys.exit(main(sys.argv[1:]))
