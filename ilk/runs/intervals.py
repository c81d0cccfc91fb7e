"""Times as people write and read them: 90s, 10m, 1.5h; 5:58."""

from __future__ import annotations

CHECKPOINT_EVERY = "60s"


def duration(seconds: float) -> str:
    """Seconds as people read them: 1.9 s, 5:58, 1:02:03."""
    if seconds < 10:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"


def parsed_duration(text: str) -> float:
    """Seconds from 90, 90s, 10m, 1.5h.

    Raises:
        ValueError: anything else, or nothing above 0.
    """
    plain = text.strip().lower()
    unit = {"s": 1, "m": 60, "h": 3600}.get(plain[-1:])
    seconds = float(plain[:-1]) * unit if unit else float(plain)
    if not 0 < seconds < float("inf"):
        raise ValueError(text)
    return seconds


def parsed_interval(text: str) -> tuple[float, int]:
    """The seconds in 60s, 10m or 1.5h, or the steps in 500 or "500 steps"; the other of the two is endless, or 0.

    Raises:
        ValueError: anything else, or nothing above 0.
    """
    plain = text.strip().lower()
    if plain[-1:] in ("m", "h") or (plain[-1:] == "s" and not plain.endswith("steps")):
        return parsed_duration(plain), 0
    steps = int(plain.removesuffix("steps").removesuffix("step"))
    if steps < 1:
        raise ValueError(text)
    return float("inf"), steps
