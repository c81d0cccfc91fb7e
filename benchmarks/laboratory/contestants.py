"""Who takes part: recipes by name, cross-entropy among them, and two of scikit-learn's.

Each learns from images of which few have a label, and is asked about others once, at its end. No choice rests on those.
"""

from __future__ import annotations

import copy
import json
import time
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Int64
from torch import Tensor, nn

from ilk.data import Dataset
from ilk.errors import UsageError
from ilk.methods import MethodSettings, NeighborSettings, SoftmaxSettings
from ilk.neighbors import fit_classifier
from ilk.networks import embed
from ilk.recipes import RECIPES, Recipe, fit, recipe
from ilk.recipes.default import choose_device
from ilk.recipes.paper import PUBLISHED
from ilk.recipes.recipe import changed, require_known

from .rows import Row
from .stages import Course, Sitting

FLOORS = ("label-spreading", "self-training")
OF_THE_BUDGET = ("epochs", "time_limit", "seed")
COMPONENTS = 64
"""Principal components of the pixels that scikit-learn's two are given: better and quicker than the pixels."""


@dataclass(frozen=True)
class Budget:
    """How long a run is, and what else is the same for all.

    Args:
        epochs, time: passes over the images, or seconds; neither leaves a recipe of the paper its own length.
        augment: "affine" or "none", for all but the recipes of the paper, which have none.
        network: of the default recipe and of cross-entropy.
        device: "auto", "cpu", "cuda".
        looks: at how many records, evenly chosen, the error on the test images is taken too.
    """

    epochs: float | None
    time: float | None
    augment: str
    network: str
    device: str
    looks: int

    def recipe(self, name: str, seed: int) -> Recipe:
        """The recipe of that name at this length; ten minutes where neither it nor the recipe has one."""
        own = name.split("+", maxsplit=1)[0] in PUBLISHED
        limit = 600.0 if self.epochs is None and self.time is None and not own else self.time
        found = recipe(name, epochs=self.epochs, time_limit=limit, seed=seed)
        if own:
            return found
        settings = replace(found.settings, augment=self.augment)
        return replace(found, network=found.network or self.network, settings=settings)


def recipe_of(contestant: str, budget: Budget, seed: int) -> Recipe:
    """The recipe of "default" or "mnist-100+euclidean", changed by ",name=value" behind it."""
    base, *changes = contestant.split(",")
    found = budget.recipe(base, seed)
    for change in changes:
        name, _, value = change.partition("=")
        if name in OF_THE_BUDGET:
            raise UsageError(f"{contestant}: {name} is the same for all contestants; see --help.")
        try:
            settings, method = changed(found.settings, found.method, {name: _value(value)})
        except UsageError as error:
            raise UsageError(f"{contestant}: {error}") from error
        found = replace(found, settings=settings, method=method)
    return found


def _value(text: str) -> object:
    try:
        return json.loads(text.lower() if text in ("True", "False") else text)
    except ValueError:
        return text


def require_contestant(name: str, budget: Budget) -> None:
    """Refuse a name that no run could have, before hours of others have gone by."""
    base, *changes = name.split(",")
    if base in FLOORS:
        if changes:
            raise UsageError(f"{name}: {base} has no settings to change.")
        return
    require_known("recipe", base.split("+")[0], [*RECIPES, *FLOORS])
    recipe_of(name, budget, seed=0)


def run(
    contestant: str,
    seen: Dataset,
    asked: Dataset,
    budget: Budget,
    seed: int,
    sitting: Sitting | None = None,
    key: str = "",
) -> Row:
    """One run: its errors on the images that are asked about, and what it took; floors know no sittings."""
    floors = {"label-spreading": label_spreading, "self-training": self_training}
    if contestant in floors:
        return floors[contestant](seen, asked, budget, seed)
    return trained(seen, asked, recipe_of(contestant, budget, seed), budget, sitting=sitting, key=key)


def trained(
    seen: Dataset,
    asked: Dataset,
    recipe: Recipe,
    budget: Budget,
    *,
    class_targets: Tensor | None = None,
    groups: Int64[Tensor, "classes"] | None = None,
    sitting: Sitting | None = None,
    key: str = "",
) -> Row:
    """A run of a recipe, and what choosing its epoch on the test images would have been worth.

    Raises:
        InterruptedRunError: the sitting is over before the run is; another one goes on with the run of that key.
    """
    neighbors = isinstance(recipe.method, NeighborSettings)  # earlier weights are asked by their neighbors alone
    sitting, course = sitting or Sitting(), Course(max(0, budget.looks - 1) if neighbors else 0)
    checkpoint, before = sitting.resume(key, course)
    begin = time.monotonic() - before
    fitted = fit(
        seen,
        recipe.settings,
        method=recipe.method,
        network=recipe.network,
        device=budget.device,
        callbacks=sitting.watch(key, course, begin),
        class_targets=class_targets,
        groups=groups,
        checkpoint=checkpoint,
    )
    seconds = time.monotonic() - begin
    space, place = fitted.space, choose_device(budget.device)
    answers = space.classifier.predict(embed(copy.deepcopy(space.network).to(place), asked.images))
    errors = int((answers.label != asked.targets).sum())
    row: Row = {"errors": errors, "n": len(asked), "k": space.classifier.k, "seconds": seconds}
    if budget.looks and neighbors:
        row["best_errors"] = min(errors, *looks(course.kept, space.network.to(place), seen, asked, budget.looks - 1))
    steps = int(fitted.history[-1]["step"])
    return row | {
        "steps": steps,
        "epochs": fitted.history[-1]["epoch"],
        "images": steps * images_per_step(recipe.method, len(seen.classes)),
        "labeled_loss": [fitted.history[0]["labeled"], fitted.history[-1]["labeled"]],
    }


def looks(kept: list[dict[str, Tensor]], network: nn.Module, seen: Dataset, asked: Dataset, most: int) -> list[int]:
    """The errors of earlier weights on the test images, at most so many of them; k is chosen on the labels."""
    chosen = np.unique(np.linspace(0, len(kept) - 1, min(most, len(kept))).round().astype(int)) if kept else []
    found = [len(asked)]
    for i in chosen:
        network.load_state_dict(kept[i])
        labeled = seen.labeled
        classifier = fit_classifier(embed(network, seen.images[labeled]), seen.targets[labeled], len(seen.classes))
        answers = classifier.predict(embed(network, asked.images))
        found.append(int((answers.label != asked.targets).sum()))
    return found


def images_per_step(method: MethodSettings, classes: int) -> int:
    """References, queries and the pool; the default passes references and pool through the network twice more."""
    if isinstance(method, SoftmaxSettings):
        return method.batch
    return method.sets * min(method.sampled_classes, classes) + method.queries + method.pool


def label_spreading(seen: Dataset, asked: Dataset, budget: Budget, seed: int) -> Row:
    """scikit-learn's LabelSpreading over the 7 nearest neighbors, on principal components of the pixels."""
    from sklearn.semi_supervised import LabelSpreading

    return _scikit_learn(LabelSpreading(kernel="knn", n_neighbors=7, max_iter=100), seen, asked, seed)


def self_training(seen: Dataset, asked: Dataset, budget: Budget, seed: int) -> Row:
    """scikit-learn's SelfTrainingClassifier around a logistic regression, on principal components of the pixels."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.semi_supervised import SelfTrainingClassifier

    return _scikit_learn(SelfTrainingClassifier(LogisticRegression(max_iter=1000)), seen, asked, seed)


def _scikit_learn(model: object, seen: Dataset, asked: Dataset, seed: int) -> Row:
    from sklearn.decomposition import PCA

    begin = time.monotonic()
    flat = [dataset.images.reshape(len(dataset), -1).astype(np.float32) / 255 for dataset in (seen, asked)]
    reduced = PCA(min(COMPONENTS, *flat[0].shape), svd_solver="randomized", random_state=seed).fit(flat[0])
    learned, new = (reduced.transform(pixels) for pixels in flat)
    answers = model.fit(learned, seen.targets).predict(new)  # type: ignore[attr-defined]
    errors = int((answers != asked.targets).sum())
    return {"errors": errors, "n": len(asked), "seconds": time.monotonic() - begin, "images": len(seen)}
