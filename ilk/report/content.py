"""The content of a report: plain data, gathered by the caller."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from jaxtyping import UInt8

from ilk.errors import ShapeError
from ilk.measures import Bin, ClassReport, Confusion
from ilk.training.curves import Curve

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
class Card:
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
class ConfusedPair:
    """One kind of mistake with pictures of it: images of class `label` that were answered with `answer`.

    Args:
        label: the class that they have.
        answer: the class that they were given.
        count: how often that happened.
        images: some of them; the page shows four.
    """

    label: str
    answer: str
    count: int
    images: tuple[Card, ...] = ()


@dataclass(frozen=True)
class Measurement:
    """An honest error: on images that the run did not learn from.

    Args:
        errors: wrong answers, 0 to n.
        n: images, at least 1.
        interval: the 95% interval of the error, fractions from 0 to 1.
        split: the part of the data, for the words, such as "test".
        floor: the error of the nearest image by bare pixels with the same labels, a fraction; None if unknown.
        reports: (class, how it fared), in the order of the classes.
    """

    errors: int
    n: int
    interval: tuple[float, float]
    split: str
    floor: float | None = None
    reports: Sequence[tuple[str, ClassReport]] = ()


NEIGHBOR_CURVES = (
    Curve("labeled", "Labeled loss", "nats", "0 when every labeled image lies at the reference of its class."),
    Curve("entropy", "Entropy, unlabeled images", "nats", "0 when every unlabeled image lies near one class alone."),
    Curve("consistency", "Consistency", "nats", "0 when a small change of an image leaves its class as it was."),
)
"""The losses of the default method."""


@dataclass(frozen=True)
class ReportContent:
    """All that one page says about a run, or about an evaluation of it; what is left empty is left out of the page.

    Args:
        title: usually the name of the run.
        measured: an error on images that were not learned from; it leads the page.
        facts: (name, value) in the order of reading, such as ("Network", "neighbor-mnist").
        label_counts, statuses: labels per class; images per status: "sure", "check", "unlike".
        history: one record per epoch: epoch, step, the losses of the method by name, own_error (fraction), spread,
            effective_rank; keys that are missing and values that are not finite are not drawn.
        curves: what the losses are called and what they say; a loss that is not described is drawn by its name alone.
        warnings: sentences, such as those of the collapse monitor.
        map, map_note, map_alt: the embedding in two dimensions as a PNG file; its caption; what it shows, in words.
        confusion, classes: which labels got which answers, as from `measures.confusion()`; the names of its classes.
        confused: the most frequent mistakes with pictures, six of them shown.
        surest, least_sure: images with the most and the least certain answers, eight of each shown.
        reliability: what the answers claim and what holds, as from `measures.reliability()`.
        optimistic: whether confusion and reliability rest on labels that trained the network.
        next_steps: (command, why).
        created, command, version: when and by what the page was made.
    """

    title: str
    facts: Sequence[tuple[str, str]] = ()
    label_counts: Mapping[str, int] = field(default_factory=dict)
    statuses: Mapping[str, int] = field(default_factory=dict)
    history: Sequence[Mapping[str, float | int]] = ()
    warnings: Sequence[str] = ()
    confusion: Confusion | None = None
    classes: Sequence[str] = ()
    surest: Sequence[Card] = ()
    least_sure: Sequence[Card] = ()
    next_steps: Sequence[tuple[str, str]] = ()
    map: bytes | None = None
    map_note: str = ""
    map_alt: str = ""
    confused: Sequence[ConfusedPair] = ()
    reliability: Sequence[Bin] | None = None
    measured: Measurement | None = None
    optimistic: bool = True
    curves: Sequence[Curve] = NEIGHBOR_CURVES
    created: str = ""
    command: str = ""
    version: str = ""

    def require_valid(self) -> None:
        """Refuse arrays that cannot be drawn.

        Raises:
            ShapeError: a confusion of another number of classes than are named, or an image that is not uint8 of shape
                (1 or 3, height, width).
        """
        shape = (len(self.classes), len(self.classes))
        if self.confusion is not None and self.confusion.shape != shape:
            raise ShapeError(
                f"The report's confusion has the shape {self.confusion.shape}, but {len(self.classes)} classes are "
                f"named: it must be {shape}, rows for the labels and columns for the answers."
            )
        confused = [image for pair in self.confused for image in pair.images]
        for shown in (*self.surest, *self.least_sure, *confused):
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
