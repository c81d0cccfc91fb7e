"""Which images, units and layers an evolution shows."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from ilk.errors import UsageError
from ilk.measures import UnitHealth
from ilk.runs.evolution import evenly_spread, notes_of, required_epochs, sample_of, units_of
from ilk.storage.run import Run


def test_samples_are_whole_where_they_can_be_and_in_order() -> None:
    draw = np.random.default_rng(0)
    few, all_of_them = sample_of(10, draw, 0)
    assert (len(few), all_of_them) == (10, "all 10 images")
    some, which = sample_of(12_000, draw, 7)
    assert (np.diff(some) > 0).all()
    assert (len(some), which) == (10_000, "10,000 of 12,000 images, drawn with seed 7")
    assert units_of(5, None, draw) == [0, 1, 2, 3, 4]
    assert units_of(5, 3, draw) == [3]
    chosen = units_of(300, None, draw)
    assert len(set(chosen)) == 12
    assert chosen == sorted(chosen)
    names = [str(i) for i in range(100)]
    assert evenly_spread(names[:24], 24) == names[:24]
    assert [evenly_spread(names, 24)[i] for i in (0, -1)] == ["0", "99"]
    assert len(set(evenly_spread(names, 24))) == 24


def test_a_layer_is_named_only_where_a_unit_was_dead_or_saturated() -> None:
    found = [UnitHealth("a", 4, (0, 0), (0, 0)), UnitHealth("b", 2, (2, 1), (0, 0))]
    assert notes_of(found, ["epoch 1", "final"]) == [
        "Layer b, dead units of 2: 2 at epoch 1, 1 at final. The whole layer is dead at epoch 1."
    ]


def test_a_run_without_kept_epochs_has_no_evolution(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="`keep_epochs`"):
        required_epochs(Run(tmp_path))
