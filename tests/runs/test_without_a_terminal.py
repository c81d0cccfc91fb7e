"""A run from Python: trained with a checkpoint, stopped, resumed, evaluated, mapped, explained, without `ilk.cli`."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

from ilk.storage.run import Run, read_config

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "python.md"
MOST_LINES = 30


def script() -> str:
    """The script under "A run without a terminal"."""
    section = PAGE.read_text("utf-8").split("## A run without a terminal")[1].split("\n## ")[0]
    return re.findall(r"^```python\n(.*?)^```$", section, re.MULTILINE | re.DOTALL)[0]


def test_the_script_of_the_page_needs_no_command_line(tmp_path: Path) -> None:
    assert len(script().splitlines()) <= MOST_LINES
    check = "\nimport sys\nassert not {name for name in sys.modules if name.startswith(('ilk.cli', 'typer'))}\n"
    done = subprocess.run(
        [sys.executable, "-c", script() + check],
        capture_output=True,
        text=True,
        check=False,
        cwd=tmp_path,
        env={"PYTHONPATH": str(ROOT), "PATH": "/usr/bin", "OMP_NUM_THREADS": "2", "HOME": str(tmp_path)},
    )
    assert done.returncode == 0, done.stderr
    run = Run(tmp_path / "runs" / "digits")
    config = read_config(run)
    assert (config["finished"], config["command"]) == (True, [])
    assert sorted(path.name for path in run.checkpoints.iterdir())
    for page in (run.report, run.evaluation, run.map, run.path / "explanation.html"):
        assert page.is_file(), page
        assert "Made with" not in page.read_text("utf-8")  # no command line made it
