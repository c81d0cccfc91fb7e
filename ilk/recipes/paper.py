"""The paper's two results as recipes: network, step, objective, schedule and labels, with each open reading a word."""

from __future__ import annotations

from ilk.methods import NeighborSettings
from ilk.recipes.recipe import Recipe, changed, require_known
from ilk.training import Settings

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
TEXT = NeighborSettings(
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
    consistency_weight=0.0,
    adversarial=0.0,
    spread_share=0.0,
)
"""The objective and the step of the paper's text, without what our default adds."""
RELEASED = ("euclidean", "query-per-class", "heavy-ball", "pool-first", "all-images")
"""The released code, wherever it differs from the text; all of them together are the reading "released"."""


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
        >>> paper_recipe("mnist-100+euclidean", epochs=4.5).method.distance
        'euclidean'
    """
    base, *words = name.lower().replace("_", "-").split("+")
    require_known("recipe", base, PUBLISHED)
    for word in words:
        require_known("reading", word, [*READINGS, "released"])
    words = [part for word in words for part in (RELEASED if word == "released" else (word,))]
    network, labels_per_class = PUBLISHED[base]
    method = TEXT
    settings = Settings(
        epochs=EPOCHS if epochs is None and time_limit is None else epochs,
        time_limit=time_limit,
        augment="none",
        initialization="torch7",
        learning_rate=0.1,
        momentum=0.9,
        nesterov=True,
        weight_decay=1e-4,
        schedule="steps",
        warmup_steps=0,
        averaging=0.0,
        precision="float32",  # bfloat16 would lose the digits of squared distances at temperature 1
        seed=seed,
    )
    for word in words:
        settings, method = changed(settings, method, READINGS[word])
    return Recipe(
        name=name.lower().replace("_", "-"),
        settings=settings,
        method=method,
        network=f"{network}-released" if "pool-first" in words else network,
        labels_per_class=labels_per_class,
    )


def schedule_in_words(epochs: float, full: float = EPOCHS) -> str:
    """How much of the paper's schedule a run of so many passes is, such as "schedule shortened to 1/20"."""
    if abs(epochs / full - 1) < 0.005:
        return f"the full schedule of {full:g} epochs"
    if epochs < full:
        return f"schedule shortened to 1/{full / epochs:.3g}"
    return f"schedule lengthened to {epochs / full:.3g} times"
