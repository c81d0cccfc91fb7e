"""What every reader of images returns: the images in memory, their names, their labels, and what was left out."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from ilk.errors import NoImagesError, NoLabelsError, OneClassError
from ilk.shapes import Pixels, Targets

UNLABELED = -1


@dataclass(frozen=True)
class Skipped:
    """A file that was found and left out, with the reason in words."""

    file: str
    reason: str


@dataclass(frozen=True)
class UnmatchedRow:
    """A row of a labels file that no image takes its label from, with the image whose name is most like it.

    Args:
        line: where the row begins, from 1.
        filename: as the row has it.
        label: None where the cell is empty.
        nearest: None where no name is like it.
        reason: in words; it completes "line 7 names x.png, but ...".
    """

    line: int
    filename: str
    label: str | None
    nearest: str | None = None
    reason: str = "there is no such file"


@dataclass(frozen=True)
class Dataset:
    """Images of one size in memory, most of them perhaps without a label.

    Args:
        images: shape (n, channels, height, width), uint8; channels 1 (gray) or 3 (RGB).
        names: n names, unique, as they appear in every table that Ilk writes.
        targets: shape (n,), the position in `classes`, or −1 where there is no label.
        classes: the class names, in the order of their numbers.
        source: what the user named, for messages.
        skipped: files that were found and left out.
        ignored: how many other files were passed over (hidden files, archives' leftovers, other splits).
        gray: True for each image that has no color of its own (it may still be held as RGB).
        notes: sentences that the user should hear.
        root: the folder that the names start from, if every image is a file of its own; else None.
        unmatched: rows of the labels file that name no image that is here.
        hint: where more labels may be, as a sentence for a message; empty if nothing is known.
    """

    images: Pixels
    names: tuple[str, ...]
    targets: Targets
    classes: tuple[str, ...]
    source: str
    skipped: tuple[Skipped, ...] = ()
    ignored: int = 0
    gray: np.ndarray = field(default_factory=lambda: np.zeros(0, dtype=bool))
    notes: tuple[str, ...] = ()
    root: Path | None = None
    unmatched: tuple[UnmatchedRow, ...] = ()
    hint: str = ""

    def __len__(self) -> int:
        return len(self.images)

    @property
    def found(self) -> int:
        """Files found = images used + files skipped."""
        return len(self.images) + len(self.skipped)

    @property
    def labeled(self) -> np.ndarray:
        """The positions of the labeled images, ascending."""
        return np.flatnonzero(self.targets != UNLABELED)

    def counts(self) -> dict[str, int]:
        """How many labels each class has."""
        numbers = np.bincount(self.targets[self.targets != UNLABELED], minlength=len(self.classes))
        return dict(zip(self.classes, numbers.tolist(), strict=True))

    def with_targets(self, targets: Targets) -> Dataset:
        """The same images with other labels."""
        return replace(self, targets=targets)

    def in_color(self) -> Dataset:
        """The same images with three channels; gray ones are repeated."""
        if self.images.shape[1] == 3:
            return self
        return replace(self, images=self.images.repeat(3, axis=1))

    def require_trainable(self) -> None:
        """Refuse what cannot be trained on.

        Raises:
            NoImagesError: there is no image.
            NoLabelsError: no image has a label.
            OneClassError: all labels name one class.
        """
        if len(self) == 0:
            raise NoImagesError(f"{self.source} holds no image that can be used ({len(self.skipped)} skipped).")
        present = np.unique(self.targets[self.targets != UNLABELED])
        hint = f" {self.hint}" if self.hint else ""
        if len(present) == 0:
            raise NoLabelsError(
                f"{self.source}: none of its {len(self)} images has a label. Put labeled images into folders named for "
                f"their class, or give a table with the columns filename,label by `labels` labels.csv.{hint}"
            )
        if len(present) == 1:
            raise OneClassError(
                f"{self.source}: all {int((self.targets >= 0).sum())} labels name one class, "
                f"{self.classes[present[0]]!r}. Label images of at least two classes.{hint}"
            )
