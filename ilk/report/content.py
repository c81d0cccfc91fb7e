"""What a report is made of: plain data, gathered by the caller."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from jaxtyping import UInt8

from ilk.errors import ShapeError

Picture = UInt8[np.ndarray, "channels height width"]
"""One image, 0 to 255; channels is 1 (gray) or 3 (RGB)."""


@dataclass(frozen=True)
class Neighbor:
    """A labeled image that lies near a shown one.

    Args:
        name: as it appears in the tables of the run.
        image: shape (channels, height, width), uint8.
        label: its class.
        distance: between the two embeddings, 0 or more, any scale.
    """

    name: str
    image: Picture
    label: str
    distance: float


@dataclass(frozen=True)
class Shown:
    """One image with its answer and the evidence behind it.

    Args:
        name: as it appears in the tables of the run.
        image: shape (channels, height, width), uint8.
        answer: the class that it was given.
        confidence: 0 to 1.
        status: "sure", "check" or "unlike".
        truth: its label, or None where it has none.
        neighbors: the nearest labeled images, nearest first; the page shows three.
    """

    name: str
    image: Picture
    answer: str
    confidence: float
    status: str
    truth: str | None = None
    neighbors: tuple[Neighbor, ...] = ()


@dataclass(frozen=True)
class ReportContent:
    """All that one page says about a run; a part that is left empty is called absent on the page.

    Args:
        title: usually the name of the run.
        facts: (name, value) in the order of reading, such as ("Network", "neighbor-mnist").
        label_counts: labels per class.
        statuses: images per status: "sure", "check", "unlike".
        history: one record per epoch: epoch, step, labeled, entropy, consistency (nats), own_error (fraction),
            spread, effective_rank; keys that are missing and values that are not finite are not drawn.
        warnings: sentences, such as those of the collapse monitor.
        confusion: shape (C, C), counts; rows are the labels, columns the answers of leave-one-out.
        classes: the C names of its rows and columns.
        surest: images with the most certain answers, eight of them shown.
        least_sure: images with the least certain answers, eight of them shown.
        next_steps: (command, why).
    """

    title: str
    facts: Sequence[tuple[str, str]] = ()
    label_counts: Mapping[str, int] = field(default_factory=dict)
    statuses: Mapping[str, int] = field(default_factory=dict)
    history: Sequence[Mapping[str, float | int]] = ()
    warnings: Sequence[str] = ()
    confusion: np.ndarray | None = None
    classes: Sequence[str] = ()
    surest: Sequence[Shown] = ()
    least_sure: Sequence[Shown] = ()
    next_steps: Sequence[tuple[str, str]] = ()

    def require_whole(self) -> None:
        """Refuse arrays that cannot be drawn.

        Raises:
            ShapeError: a confusion that is not (C, C) for C classes, or an image that is not uint8 of shape
                (1 or 3, height, width).
        """
        shape = (len(self.classes), len(self.classes))
        if self.confusion is not None and self.confusion.shape != shape:
            raise ShapeError(
                f"The report's confusion has the shape {self.confusion.shape}, but {len(self.classes)} classes are "
                f"named: it must be {shape}, rows for the labels and columns for the answers."
            )
        for shown in (*self.surest, *self.least_sure):
            require_picture(shown.name, shown.image)
            for neighbor in shown.neighbors:
                require_picture(neighbor.name, neighbor.image)


def require_picture(name: str, image: np.ndarray) -> None:
    """Refuse an image that is not uint8 of shape (1 or 3, height, width); the ShapeError names it."""
    if image.dtype != np.uint8 or image.ndim != 3 or image.shape[0] not in (1, 3) or image.size == 0:
        raise ShapeError(
            f"The report cannot show {name!r}: its image is {image.dtype} of shape {image.shape}; it must be uint8 "
            "of shape (channels, height, width) with 1 or 3 channels."
        )
