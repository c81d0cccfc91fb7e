"""The trained model: what answers, the folder that it is saved as, and what proves that it is whole.

The names below are loaded when they are used: the files of a model are verified (`ilk.model.layout`) without torch.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ilk.model.bundle import Bundle, SelfTest, load_bundle, save_bundle
    from ilk.model.initial_weights import Start, begin, published_start, start_of
    from ilk.model.space import Space, bundle_of, load_space, save_space, space_of

__all__ = [
    "Bundle",
    "SelfTest",
    "Space",
    "Start",
    "begin",
    "bundle_of",
    "load_bundle",
    "load_space",
    "published_start",
    "save_bundle",
    "save_space",
    "space_of",
    "start_of",
]

MODULES = {
    **dict.fromkeys(("Bundle", "SelfTest", "load_bundle", "save_bundle"), "bundle"),
    **dict.fromkeys(("Start", "begin", "published_start", "start_of"), "initial_weights"),
    **dict.fromkeys(("Space", "bundle_of", "load_space", "save_space", "space_of"), "space"),
}


def __getattr__(name: str) -> Any:
    if name not in MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"ilk.model.{MODULES[name]}"), name)
