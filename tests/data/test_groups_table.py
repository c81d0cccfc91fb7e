"""A table of groups, read or refused with its line."""

from __future__ import annotations

from pathlib import Path

import pytest

from ilk.data.groups_table import MOST_SHOWN, in_words, read_groups
from ilk.errors import LabelsFileError


def test_a_table_as_spreadsheets_save_it(tmp_path: Path) -> None:
    path = tmp_path / "groups.csv"
    path.write_text("Group;Label;note\nanimal; cat ;\nanimal;dog;x\n\nvehicle;ship;\nanimal;cat;\n", encoding="utf-16")
    groups = read_groups(path)
    assert groups == {"cat": "animal", "dog": "animal", "ship": "vehicle"}
    assert in_words(groups) == "animal (cat, dog), vehicle (ship)"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "empty"),
        ("label,group\n", "no rows"),
        ("label,kind\ncat,animal\n", r"groups\.csv:1 is 'label,kind'"),
        ("label,group\ncat,\n", r"groups\.csv:2 has an empty"),
        ("label,group\ncat,animal\ndog,animal\ncat,vehicle\n", r"groups\.csv:4 .* and line 2 into 'animal'"),
    ],
)
def test_a_table_that_says_nothing_or_contradicts_itself_is_refused(tmp_path: Path, text: str, words: str) -> None:
    path = tmp_path / "groups.csv"
    path.write_text(text)
    with pytest.raises(LabelsFileError, match=words):
        read_groups(path)


def test_many_groups_are_shortened() -> None:
    groups = {f"class {i}": f"group {i % 10}" for i in range(100)}
    words = in_words(groups)
    assert words.count("group ") == MOST_SHOWN
    assert words.endswith("…")
    assert words.count("class ") == MOST_SHOWN**2
