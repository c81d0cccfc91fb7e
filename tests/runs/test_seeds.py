"""The seeds that there are."""

from __future__ import annotations

import pytest

from ilk.errors import UsageError
from ilk.runs.seeds import require_seed


@pytest.mark.parametrize("seed", [0, 1, 2**63 - 1])
def test_seeds_pass(seed: int) -> None:
    require_seed(seed)


@pytest.mark.parametrize("seed", [-1, 2**63])
def test_other_numbers_are_refused(seed: int) -> None:
    with pytest.raises(UsageError, match=f"{seed} is no seed"):
        require_seed(seed)
