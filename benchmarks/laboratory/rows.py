"""Rows that outlive a stopped benchmark, and what they say together."""

from __future__ import annotations

import json
import os
import statistics
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

Row = dict[str, Any]


def key_of(contestant: str, subset: int, seed: int) -> str:
    """What a row is kept under."""
    return f"{contestant} | subset {subset} | seed {seed}"


def rows_of(path: Path, budget: Mapping[str, Any]) -> dict[str, Row]:
    """The rows of an earlier run of the same budget; none where there was no run. Of another budget, it ends here."""
    if not path.exists():
        return {}
    try:
        kept = json.loads(path.read_text("utf-8"))
        kept["budget"], kept["rows"]
    except (ValueError, LookupError, TypeError):
        sys.exit(f"{path} holds no rows of a benchmark: give another --out, or remove it.")
    if kept["budget"] != budget:
        sys.exit(f"{path} was made with {kept['budget']}, not with {budget}: give another --out, or remove it.")
    return kept["rows"]


def save(path: Path, budget: Mapping[str, Any], rows: Mapping[str, Row]) -> None:
    """Write all rows; a file that is half written never takes the place of a whole one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_suffix(".part")
    unfinished.write_text(json.dumps({"budget": budget, "rows": rows}, indent=1) + "\n", "utf-8")
    os.replace(unfinished, path)


def percents(rows: Sequence[Row], name: str = "errors") -> list[float]:
    """The errors of these rows in percent."""
    return [100 * row[name] / row["n"] for row in rows if row.get(name) is not None]


def mean_and_sd(values: Sequence[float]) -> str:
    """As a table has it: "1.20 ± 0.31"; the standard deviation is of single runs, with n − 1."""
    if not values:
        return ""
    return f"{statistics.fmean(values):.2f}" + (f" ± {statistics.stdev(values):.2f}" if len(values) > 1 else "")


def table(rows: Mapping[str, Row], contestants: Sequence[str]) -> str:
    """Markdown, one line per contestant over its subsets and seeds; failures have lines of their own."""
    head = "| recipe | runs | error, last epoch (%) | each run | best epoch on test lower by | k | time | images seen |"
    lines, failed = [head, "|" + "---|" * (head.count("|") - 1)], []
    for contestant in contestants:
        own = [row for row in rows.values() if row["contestant"] == contestant]
        failed += [f"- {contestant}, subset {row['subset']}: {row['note']}" for row in own if "note" in row]
        done = [row for row in own if "note" not in row]
        if not done:
            continue
        gaps = [100 * (row["errors"] - row["best_errors"]) / row["n"] for row in done if "best_errors" in row]
        ks = ", ".join(str(row["k"]) for row in done if "k" in row)
        each = ", ".join(f"{percent:.2f}" for percent in percents(done))
        seconds = statistics.fmean(row["seconds"] for row in done)
        images = statistics.fmean(row["images"] for row in done)
        cells = [contestant, len(done), mean_and_sd(percents(done)), each, mean_and_sd(gaps), ks]
        lines.append("| " + " | ".join(map(str, [*cells, f"{seconds:,.0f} s", f"{images:,.0f}"])) + " |")
    return "\n".join([*lines, *failed])
