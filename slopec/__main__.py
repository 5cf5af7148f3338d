"""`python -m slopec`, the same as the command `slopec`."""

import sys

from slopec.cli import main

if __name__ == "__main__":
    sys.exit(main())
