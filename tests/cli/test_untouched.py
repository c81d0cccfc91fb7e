"""No command changes anything of the user's: bytes, times, permissions, owners, links and the files that are there."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.cli.odd_folder import state
from tests.cli.pictures import draw, labels_of, png, write_table
from tests.cli.test_commands import COMMANDS
from tests.finished_runs import LABELS, SHORT, Ilk, Stopped


def states(folder: Path) -> dict[str, tuple[object, ...]]:
    """Everything about each entry but when it was last read."""
    return {path.relative_to(folder).as_posix(): state(path) for path in (folder, *sorted(folder.rglob("*")))}


@pytest.fixture
def mine(tmp_path: Path) -> Path:
    """A user's folder: pictures and labels, what may only be read, links, a pipe, and things of other programs."""
    drawn = draw(8, seed=3)
    folder = write_table(tmp_path / "mine" / "pets", drawn, labels_of(drawn, LABELS))
    (folder / "read only.png").write_bytes(png(drawn[0].pixels))
    (folder / "read only.png").chmod(0o400)
    (folder / "for all.png").write_bytes(png(drawn[1].pixels))
    (folder / "for all.png").chmod(0o666)
    (folder / "linked.png").symlink_to(drawn[2].name)
    (folder / "to itself").symlink_to("to itself")
    (folder / "damaged.png").write_bytes(png(drawn[3].pixels)[:60])
    os.mkfifo(folder / "pipe.png")
    (folder / "notes.txt").write_text("not to be read")
    (folder / ".hidden").write_text("nor this")
    for number, path in enumerate(sorted(folder.iterdir())):  # old, and each of another time
        os.utime(path, (1e9, 1e9 + number), follow_symlinks=False)
    folder.chmod(0o555)
    return folder.parent


def test_by_any_command(ilk: Ilk, mine: Path, stopped: Stopped) -> None:
    pets, before = mine / "pets", states(mine)
    image = next(path for path in sorted(pets.glob("*.png")) if path.is_file() and path.name[0].isdigit())
    stopped.copied()
    lines: list[tuple[object, ...]] = [
        ("check", pets),
        ("check", pets, "--labels", pets / "labels.csv", "--json"),
        ("fit", pets, "--out", "run", *SHORT),
        ("fit", pets, "--labels", pets / "labels.csv", "--out", "run", "--overwrite", *SHORT),
        ("resume", "run"),
        ("resume", "broken"),
        ("evaluate", "run", pets, "--split", "all"),
        ("predict", "run", pets),
        ("embed", "run", pets),
        ("search", "run", image),
        ("map", "run", "--method", "pca"),
        ("explain", "run", image),
        ("export", "run", "--out", "model"),
        ("verify", "model"),
        ("verify", "run"),
    ]
    assert {line[0] for line in lines} == set(COMMANDS) - {"demo", "describe"}  # which are given no files
    said = {}
    for line in lines:
        said[line] = ilk(*line)
        assert states(mine) == before, line
    failed = {line: found.err for line, found in said.items() if found.code != 0}
    assert [line[0] for line in failed] == ["evaluate"]  # for the run has learned from these labels


def test_the_watch_sees_each_kind_of_change(mine: Path) -> None:
    (pets,) = mine.iterdir()
    for change in (
        lambda: os.utime(pets / "notes.txt", (5, 5)),
        lambda: (pets / "labels.csv").write_text((pets / "labels.csv").read_text()),
        lambda: (pets / "for all.png").chmod(0o600),
        (pets / ".hidden").unlink,
        lambda: os.link(pets / "notes.txt", pets / "more.txt"),
    ):
        before = states(mine)
        pets.chmod(0o755)
        change()
        pets.chmod(0o555)
        assert {name for name in before if states(mine).get(name) != before[name]} - {"pets"}
