"""Real digits as a folder of images."""

from __future__ import annotations

from pathlib import Path

from ilk.runs.demo import write_digits
from tests.cli.pictures import snapshot


def test_the_images_are_written_once(tmp_path: Path) -> None:
    write_digits(tmp_path / "digits", seed=0)
    before = snapshot(tmp_path)
    assert len(before) == 1797
    write_digits(tmp_path / "digits", seed=0)
    assert snapshot(tmp_path) == before
