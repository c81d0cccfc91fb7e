"""Places of the boxes: in series below one another, branches side by side, none over another."""

from __future__ import annotations

import pytest

from ilk.insight.layout import arrange, arrange_columns, boxes_of
from tests.insight.test_description import described_by_name


@pytest.mark.parametrize("name", ["googlenet", "resnet-18", "inception-v4", "neighbor-mnist"])
def test_boxes_stand_in_series_and_branches_side_by_side(name: str) -> None:
    boxes = boxes_of(described_by_name(name).layers)
    placed, columns = arrange_columns(arrange(boxes), boxes, 0.6)
    assert set(placed.places) == set(range(len(boxes)))
    for i, box in enumerate(boxes):
        x, y = placed.places[i]
        assert 0 <= x <= placed.width - 1 + 1e-9
        assert 0 <= y <= placed.height - 1 + 1e-9
        for j in range(i):
            assert max(abs(x - placed.places[j][0]), abs(y - placed.places[j][1])) >= 1 - 1e-9  # none covers another
        for source in box.sources:
            if columns[source] == columns[i]:
                assert placed.places[source][1] < y  # never upwards


def test_the_branches_of_an_inception_module_do_not_share_a_place_across() -> None:
    described = described_by_name("googlenet")
    boxes = boxes_of(described.layers)
    placed, _ = arrange_columns(arrange(boxes), boxes, 0.6)
    across: dict[str, set[float]] = {}
    for i, box in enumerate(boxes):
        parts = box.layer.name.split(".")
        if parts[0] == "inception_3a" and parts[1].startswith("branch"):
            across.setdefault(parts[1], set()).add(placed.places[i][0])
    assert len(across) == 4
    assert sorted(map(len, across.values())) == [1, 1, 1, 1]
    assert len(set.union(*across.values())) == 4
