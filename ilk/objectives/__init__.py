"""What a step minimizes: one function per file, composed as a weighted sum by `ilk.training`.

total = labeled_weight · distance_ratio + entropy_weight · minimum_entropy + consistency_weight · consistency
"""

from __future__ import annotations

from ilk.objectives.adversarial import adversarial_change
from ilk.objectives.consistency import consistency
from ilk.objectives.distance_ratio import distance_ratio, similar_classes
from ilk.objectives.minimum_entropy import minimum_entropy
from ilk.objectives.probability import log_probabilities

__all__ = [
    "adversarial_change",
    "consistency",
    "distance_ratio",
    "log_probabilities",
    "minimum_entropy",
    "similar_classes",
]
