"""Write docs/reference/cli.md from the commands' own --help; with --check, only say whether the page is still true."""

from __future__ import annotations

import os
import sys
from pathlib import Path

# Read by typer as it is imported: one width and no color, wherever this runs.
for name in ("FORCE_COLOR", "PY_COLORS", "GITHUB_ACTIONS"):
    os.environ.pop(name, None)
os.environ |= {"TERMINAL_WIDTH": "100", "COLUMNS": "100", "NO_COLOR": "1", "_TYPER_FORCE_DISABLE_TERMINAL": "1"}

from typer.main import get_command  # noqa: E402  (after the environment above)
from typer.testing import CliRunner  # noqa: E402

from ilk.cli import app  # noqa: E402

PAGE = Path(__file__).parent / "reference" / "cli.md"
HEAD = """# Commands

This page is what `--help` prints; `make docs` writes it.

Exit codes: 0 ok · 1 unexpected · 2 usage · 3 data · 4 model refused · 5 out of disk or memory, state kept ·
6 diverged, last good state kept · 130 interrupted, `ilk resume` goes on.
"""


def help_of(*command: str) -> str:
    """One section: the command and its help, without the blanks at the ends of lines."""
    result = CliRunner().invoke(app, [*command, "--help"], prog_name="ilk")
    if result.exit_code != 0:
        raise SystemExit(f"ilk {' '.join(command)} --help failed: {result.exception!r}")
    text = "\n".join(line.rstrip() for line in result.stdout.strip().splitlines())
    return f"\n## {' '.join(['ilk', *command])}\n\n```text\n{text}\n```\n"


def page() -> str:
    """The whole page, the commands in the order in which the program lists them."""
    return HEAD + help_of() + "".join(help_of(name) for name in get_command(app).commands)


if __name__ == "__main__":
    if "--check" not in sys.argv:
        PAGE.write_text(page(), "utf-8")
    elif not PAGE.is_file() or PAGE.read_text("utf-8") != page():
        sys.exit(f"{PAGE.name} is not what --help prints now: run `make docs`.")
