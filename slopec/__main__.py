"""The command `slopec`, and `python -m slopec`: signals end it in order, at whatever time."""

import os
import signal
import sys
from types import FrameType


def main() -> int:
    """Run the command line; the exit code."""
    signal.signal(signal.SIGTERM, _end)
    try:
        from slopec.cli import main as run

        return run()
    except KeyboardInterrupt:  # while its modules were loading
        os.write(2, b"interrupted\n")
        return 128 + signal.SIGINT


def _end(number: int, _: FrameType | None) -> None:
    """Leave as after an interrupt, so that nothing half done is left; at once when asked again."""
    signal.signal(number, signal.SIG_DFL)
    raise KeyboardInterrupt(number)


if __name__ == "__main__":
    sys.exit(main())
