"""Figures as files, for paper: their palette, names that fit, PNG."""

from __future__ import annotations

from io import BytesIO

from matplotlib.figure import Figure

from ilk.report.charts import Palette

PAPER_PALETTE = Palette("#0067a5", "#d9d9d9", "#333333", "#a85d00")
"""Blue and orange: apart for every kind of color vision, and in gray."""


def shorten(name: str, longest: int, end: int) -> str:
    """A name in one line of at most `longest` characters: its beginning and, of a longer one, its last `end`."""
    name = " ".join(name.encode("utf-8", "backslashreplace").decode("utf-8").split())
    return name if len(name) <= longest else f"{name[: longest - end - 1]}…{name[-end:]}"


def as_png(figure: Figure, dots_per_inch: int) -> bytes:
    """A figure as a PNG file; the same figure gives the same bytes."""
    buffer = BytesIO()
    figure.savefig(buffer, format="png", dpi=dots_per_inch, metadata={"Software": None})
    return buffer.getvalue()
