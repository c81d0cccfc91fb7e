"""The command line as a module: `python -m ilk`."""

from __future__ import annotations

import sys

from ilk.cli import main

if __name__ == "__main__":
    sys.exit(main())
