from __future__ import annotations

import re
import runpy
import sys
from pathlib import Path

BENCHMARK = Path(__file__).resolve().parents[2] / "benchmarks" / "neighbors.py"


def test_the_benchmark_runs_and_prints_its_figures(monkeypatch, capsys):
    small = ["--points", "300", "--queries", "40", "--dim", "8", "--pairs", "2", "--offset", "1000"]
    monkeypatch.setattr(sys, "argv", [str(BENCHMARK), *small])
    runpy.run_path(str(BENCHMARK), run_name="__main__")
    printed = capsys.readouterr().out
    assert "--offset 1000" in printed
    assert re.search(r"ratio +median \d", printed)
    assert "Ilk 100.0%" in printed
