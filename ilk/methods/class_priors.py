"""Prior knowledge of the classes, in the form in which a step uses it."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from ilk.sampling import Batch
from ilk.shapes import ClassTargets, Groups


@dataclass(frozen=True)
class ClassPriors:
    """Prior knowledge of the classes (§5.3); each may be left out.

    Args:
        class_targets: shape (classes, classes), row c in place of the one-hot target of class c.
        groups: shape (classes,), groups of classes within which the entropy is not counted.
    """

    class_targets: ClassTargets | None = None
    groups: Groups | None = None

    def targets_of(self, batch: Batch) -> Tensor:
        """Targets of a batch's queries: class numbers (queries,), or distributions (queries, classes)."""
        if self.class_targets is None:
            return batch.labels
        rows = self.class_targets[batch.classes][:, batch.classes]
        return (rows / rows.sum(1, keepdim=True))[batch.labels]


NO_PRIORS = ClassPriors()
