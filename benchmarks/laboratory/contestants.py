"""Who takes part: recipes of the method, the same network without the method, and two of scikit-learn's.

Each learns from images of which few have a label, and is asked about others once, at its end. No choice rests on those.
"""

from __future__ import annotations

import copy
import json
import time
from dataclasses import dataclass, fields, replace

import numpy as np
import torch
from jaxtyping import Int64
from torch import Tensor, nn

from ilk.data import Dataset, random_affine
from ilk.errors import UsageError
from ilk.neighbors import fit_classifier
from ilk.networks import as_input, build, embed
from ilk.recipes import fit, paper_recipe
from ilk.recipes.default import choose_device
from ilk.recipes.paper import PUBLISHED
from ilk.sampling import step_generator
from ilk.training import Settings, TimePlan, TrainingState
from ilk.training.loop import length, sampler_of
from ilk.training.schedule import learning_rate

from .rows import Row
from .stages import Course, Sitting

FLOORS = ("cross-entropy", "label-spreading", "self-training")
OF_THE_BUDGET = ("epochs", "time_limit", "seed")
BATCH = 64
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

    def settings(self, seed: int) -> Settings:
        """Our default's; ten minutes where no length is given."""
        limit = 600.0 if self.epochs is None and self.time is None else self.time
        return Settings(epochs=self.epochs, time_limit=limit, augment=self.augment, seed=seed)


def settings_of(contestant: str, budget: Budget, seed: int) -> tuple[str, Settings]:
    """Network and settings of "default" or "mnist-100+euclidean", changed by ",name=value" behind it."""
    base, *changes = contestant.split(",")
    if base == "default":
        network, settings = budget.network, budget.settings(seed)
    else:
        recipe = paper_recipe(base, epochs=budget.epochs, time_limit=budget.time, seed=seed)
        network, settings = recipe.network, recipe.settings
    known = {field.name for field in fields(Settings)} - set(OF_THE_BUDGET)
    for change in changes:
        name, _, value = change.partition("=")
        if name in OF_THE_BUDGET:
            raise UsageError(f"{contestant}: {name} is the same for all contestants; see --help.")
        if name not in known:
            raise UsageError(f"{contestant}: {name!r} is no setting. Settings: {', '.join(sorted(known))}.")
        settings = replace(settings, **{name: _value(value)})
    return network, settings


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
    elif base.split("+")[0] in ("default", *PUBLISHED):
        settings_of(name, budget, seed=0)
    else:
        raise UsageError(f"There is no recipe {base!r}. There are: default, {', '.join([*PUBLISHED, *FLOORS])}.")


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
    floors = {"cross-entropy": cross_entropy, "label-spreading": label_spreading, "self-training": self_training}
    if contestant in floors:
        return floors[contestant](seen, asked, budget, seed)
    network, settings = settings_of(contestant, budget, seed)
    return embedding(seen, asked, network, settings, budget, sitting=sitting, key=key)


def embedding(
    seen: Dataset,
    asked: Dataset,
    network: str,
    settings: Settings,
    budget: Budget,
    *,
    class_targets: Tensor | None = None,
    groups: Int64[Tensor, "classes"] | None = None,
    sitting: Sitting | None = None,
    key: str = "",
) -> Row:
    """A run of the method, and what choosing its epoch on the test images would have been worth.

    Raises:
        InterruptedRunError: the sitting is over before the run is; another one goes on with the run of that key.
    """
    sitting, course = sitting or Sitting(), Course(max(0, budget.looks - 1))
    checkpoint, before = sitting.resume(key, course)
    begin = time.monotonic() - before
    fitted = fit(
        seen,
        settings,
        network=network,
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
    if budget.looks:
        row["best_errors"] = min(errors, *looks(course.kept, space.network.to(place), seen, asked, budget.looks - 1))
    steps = int(fitted.history[-1]["step"])
    return row | {
        "steps": steps,
        "epochs": fitted.history[-1]["epoch"],
        "images": steps * images_per_step(settings, len(seen.classes)),
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


def images_per_step(settings: Settings, classes: int) -> int:
    """References, queries and the pool; the default passes references and pool through the network twice more."""
    return settings.sets * min(settings.compared, classes) + settings.queries + settings.pool


def cross_entropy(seen: Dataset, asked: Dataset, budget: Budget, seed: int) -> Row:
    """The same network with a linear classifier, trained on the labeled images alone, for as many epochs or seconds."""
    begin, place = time.monotonic(), choose_device(budget.device)
    channels, height, width = seen.images.shape[1:]
    built = build(budget.network, channels=channels, size=(height, width), dim=len(seen.classes), seed=seed)
    settings = budget.settings(seed).for_network(built)
    state = TrainingState(built.to(place), settings)
    images = torch.from_numpy(seen.images[seen.labeled]).to(place)
    targets = torch.from_numpy(seen.targets[seen.labeled]).to(place)
    plan = None if settings.time_limit is None else TimePlan(settings.time_limit, 1.0, begin)
    if settings.epochs is not None:
        state.total = length(settings.epochs, sampler_of(torch.from_numpy(seen.targets), settings))
    state.begin_training()
    losses: list[float] = []
    while state.total is None or state.step < state.total:
        if plan is not None:
            state.total = plan.total(state.step, state.total)
        for group in state.optimizer.param_groups:
            group["lr"] = learning_rate(settings, state.step, state.total)
        draw = step_generator(seed, state.step)
        chosen = torch.randint(len(images), (BATCH,), generator=draw).to(place)
        batch = as_input(images[chosen])
        if settings.augment == "affine":
            batch = random_affine(batch, draw, settings.augment_strength)
        loss = nn.functional.cross_entropy(state.network(batch), targets[chosen])
        state.optimizer.zero_grad()
        loss.backward()
        state.optimizer.step()
        state.follow(settings.averaging)
        state.step += 1
        if state.step in (1, state.total):
            losses.append(loss.item())
    answers = embed(state.average, asked.images).argmax(1)
    return {
        "errors": int((answers != asked.targets).sum()),
        "n": len(asked),
        "seconds": time.monotonic() - begin,
        "steps": state.step,
        "images": state.step * BATCH,
        "labeled_loss": losses,
    }


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
