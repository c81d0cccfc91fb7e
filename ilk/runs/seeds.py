"""Which numbers are seeds, for every way in which one is given."""

from __future__ import annotations

from ilk.errors import UsageError


def require_seed(seed: int) -> None:
    """Refuse a number that is no seed.

    Raises:
        UsageError: it is below 0, or needs more than 63 bits.
    """
    if not 0 <= seed < 2**63:
        raise UsageError(f"{seed} is no seed. Allowed: whole numbers from 0 to 2**63 - 1.")
