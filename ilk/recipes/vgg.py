"""VGG's training recipe, as settings: what its paper does, around our objective."""

from __future__ import annotations

from ilk.errors import UsageError
from ilk.methods import NeighborSettings
from ilk.sampling import LARGEST_COMPARED
from ilk.training import Settings

BATCH = 256


def vgg_settings(
    classes: int, *, epochs: float | None = None, time_limit: float | None = None, batch: int = BATCH, seed: int = 0
) -> tuple[Settings, NeighborSettings]:
    """The settings under which VGG was trained, for `fit(dataset, settings, method=method, network="vgg-16")`.

    The objective and the augmentation stay those of our default. A batch holds one reference of each class that a step
    compares; of the rest a third are queries, a third the pool and a third its changed copies.

    Args:
        classes: of the data set.
        epochs: passes over the pool, unless `time_limit` is given.
        time_limit: seconds for the whole run.
        batch: images per step, references included.
        seed: of everything random.
    Raises:
        UsageError: a batch too small for its references and one query.
    Source:
        Simonyan & Zisserman 2014, arXiv:1409.1556, section 3.1: batch 256, momentum 0.9, weight decay 5e-4, dropout
        0.5, rate 0.01 divided by 10 on a plateau, mean color subtracted. Differs: a plateau of the labeled loss, not of
        a validation set's accuracy; weight decay on all parameters; distances for a softmax; pixels divided by 128.
    """
    compared = min(classes, LARGEST_COMPARED)
    pool = (batch - compared) // 3  # each of its images comes twice, once changed
    queries = batch - compared - 2 * pool
    if classes < 2 or queries < 1:
        raise UsageError(f"{classes} classes do not fit a batch of {batch}: give batch={compared + 2} or more.")
    settings = Settings(
        epochs=epochs,
        time_limit=time_limit,
        subtract_mean=True,
        dropout=0.5,
        learning_rate=0.01,
        momentum=0.9,
        nesterov=False,
        weight_decay=5e-4,
        schedule="plateau",
        warmup_steps=0,
        averaging=0.0,
        seed=seed,
    )
    return settings, NeighborSettings(sets=1, queries=queries, pool=pool, sampled_classes=compared)
