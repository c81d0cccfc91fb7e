"""How this door calls the settings that a message names in backticks: `` `learning_rate` `` is --rate here."""

from __future__ import annotations

import re

SAME = (
    *("add", "augment", "channels", "checkpoint_every", "device", "dim", "epochs", "evolution", "files", "flat"),
    *("freeze_to", "groups", "head", "keep_epochs", "label", "labels", "labels_per_class", "layer", "max_pixels"),
    *("method", "network", "onnx", "out", "overwrite", "recipe", "sample", "seed", "size", "split", "strided"),
    *("subset", "top9", "unit"),
)
"""Settings whose option is their name, with hyphens."""

OPTIONS = {name: f"--{name.replace('_', '-')}" for name in SAME} | {
    "k": "-k",
    "learning_rate": "--rate",
    "start": "--from",
    "time_limit": "--time",
}
"""Each setting by its Python name, and the option that sets it."""

SETTING = re.compile(f"`({'|'.join(OPTIONS)})`")


def with_options(text: str) -> str:
    """The same sentence with the options of the command line in place of Python's names."""
    return SETTING.sub(lambda found: OPTIONS[found[1]], text)
