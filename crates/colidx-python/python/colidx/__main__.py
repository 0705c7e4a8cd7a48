"""The command line: `python -m colidx` is the program `colidx`."""

from __future__ import annotations

import signal
import sys

from ._colidx import command_line


def main() -> int:
    """Runs the command line of this process and returns its exit status."""
    # Python's own handler would raise once the command has ended. One that is ignored stays so.
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    return command_line(["colidx", *sys.argv[1:]])


if __name__ == "__main__":
    sys.exit(main())
