"""`python -m gatecast` is the command line."""

import sys

from gatecast.cli.start import main

if __name__ == "__main__":
    sys.exit(main())
