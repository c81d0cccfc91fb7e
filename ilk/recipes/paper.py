"""The paper's two results as recipes: network, step, objective, schedule and labels, with each open reading a word."""

from __future__ import annotations

import difflib
from dataclasses import dataclass, replace
from typing import Any

from ilk.errors import UsageError
from ilk.training import Settings

DEFAULT = "default"
EPOCHS = 90.0
"""The paper's whole schedule, in passes over the unlabeled images; the rate is divided by 10 after each third."""
CLASSES = 10

PUBLISHED = {"mnist-100": ("neighbor-mnist", 10), "cifar10-4000": ("neighbor-cifar", 400)}
"""Each recipe with its network and its labels per class; MNIST's error is 0.78 ± 0.3%, CIFAR-10's 20.3 ± 0.5%."""

READINGS: dict[str, dict[str, object]] = {
    "euclidean": {"distance": "euclidean"},
    "query-per-class": {"queries": CLASSES},
    "heavy-ball": {"nesterov": False},
    "pool-first": {},  # a network of its own
    "all-images": {"pool_of": "all"},
    "pytorch-start": {"initialization": "pytorch"},
    "no-decay": {"weight_decay": 0.0},
}
"""Other readings of what the paper leaves open, and the settings that they change.

The default is the paper's text: squared distance, 32 queries, Nesterov's momentum, batch-norm before the pool, a pool
without the labeled images. Where the text is silent it is the released code: Torch7's initial weights, and weight
decay 1e-4.
"""
WITHOUT: dict[str, Any] = {
    "consistency_weight": 0.0,
    "augment": "none",
    "adversarial": 0.0,
    "spread_share": 0.0,
    "precision": "float32",  # bfloat16 would lose the digits of squared distances at temperature 1
}
"""What our default adds and the paper does not have."""
RELEASED = ("euclidean", "query-per-class", "heavy-ball", "pool-first", "all-images")
"""The released code, wherever it differs from the text; all of them together are the reading "released"."""


@dataclass(frozen=True)
class Recipe:
    """What `fit()` and `hide_labels()` are given to repeat a published result.

    Args:
        name: of the recipe, with its readings, such as "mnist-100+euclidean".
        network: a name of `ilk.networks.NETWORKS`.
        labels_per_class: how many labels of each class the result stands on.
        settings: of the training; no augmentation, no averaged weights, answers by k-NN with k chosen on the labels.
    """

    name: str
    network: str
    labels_per_class: int
    settings: Settings


def paper_recipe(name: str, *, epochs: float | None = None, time_limit: float | None = None, seed: int = 0) -> Recipe:
    """The protocol behind a figure of the paper: 0.78% on MNIST with 100 labels, 20.3% on CIFAR-10 with 4,000.

    Args:
        name: "mnist-100" or "cifar10-4000"; readings of `READINGS`, or "released" for the code's, follow after `+`.
        epochs: passes over the unlabeled images; None for the paper's 90. The schedule fits any number, in proportion.
        time_limit: seconds for the whole run, in place of epochs.
        seed: of everything random.
    Raises:
        UsageError: no such recipe or reading.
    Source:
        Hoffer & Ailon 2016, arXiv:1611.01449, section 6, and the authors' released code. Differs: the rate that is
        divided divides what momentum carries too; the code has no fixed end, and takes the best epoch on the test set.
    Example:
        >>> paper_recipe("mnist-100+euclidean", epochs=4.5).settings.distance
        'euclidean'
    """
    base, *words = name.lower().replace("_", "-").split("+")
    if base == DEFAULT and words:
        raise UsageError(f"Readings belong to the paper's recipes ({', '.join(PUBLISHED)}); the default has none.")
    for word, known in ((base, list(PUBLISHED)), *((word, [*READINGS, "released"]) for word in words)):
        _require_known(word, known)
    words = [part for word in words for part in (RELEASED if word == "released" else (word,))]
    network, labels_per_class = PUBLISHED[base]
    settings = Settings(
        epochs=EPOCHS if epochs is None and time_limit is None else epochs,
        time_limit=time_limit,
        sets=1,
        queries=32,
        pool=32,
        pool_of="unlabeled",
        exclude_own=False,
        distance="squared",
        temperature=1.0,
        labeled_weight=1.0,
        entropy_weight=1.0,
        entropy_start=0.0,
        entropy_ramp=0.0,
        **WITHOUT,
        initialization="torch7",
        learning_rate=0.1,
        momentum=0.9,
        nesterov=True,
        weight_decay=1e-4,
        schedule="steps",
        warmup_steps=0,
        averaging=0.0,
        seed=seed,
    )
    for word in words:
        settings = replace(settings, **READINGS[word])  # type: ignore[arg-type]
    return Recipe(
        name=name.lower().replace("_", "-"),
        network=f"{network}-released" if "pool-first" in words else network,
        labels_per_class=labels_per_class,
        settings=settings,
    )


def schedule_in_words(epochs: float, full: float = EPOCHS) -> str:
    """How much of the paper's schedule a run of so many passes is, such as "schedule shortened to 1/20"."""
    if abs(epochs / full - 1) < 0.005:
        return f"the full schedule of {full:g} epochs"
    if epochs < full:
        return f"schedule shortened to 1/{full / epochs:.3g}"
    return f"schedule lengthened to {epochs / full:.3g} times"


def _require_known(word: str, known: list[str]) -> None:
    if word in known:
        return
    what = "recipe" if known == list(PUBLISHED) else "reading"
    near = difflib.get_close_matches(word, known, n=1)
    named = ", ".join([DEFAULT, *known] if what == "recipe" else known)
    raise UsageError(f"There is no {what} {word!r}. {f'Did you mean {near[0]!r}?' if near else f'There are: {named}.'}")
