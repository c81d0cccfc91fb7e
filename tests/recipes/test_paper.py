"""The paper's recipes: the numbers of its protocol, the readings that it leaves open, and a step as it prints it."""

from __future__ import annotations

from dataclasses import asdict, replace

import numpy as np
import pytest
import torch

from ilk.data import Dataset, from_arrays
from ilk.data.image_source import source_of
from ilk.errors import UsageError
from ilk.methods import NeighborMethod
from ilk.model.initial_weights import begin
from ilk.networks import as_input, build
from ilk.recipes import Recipe, fit, paper_recipe, schedule_in_words
from ilk.recipes.paper import RELEASED
from ilk.sampling import Sampler
from ilk.training import Moment, Settings, TrainingState
from ilk.training.loop import steps_of
from ilk.training.schedule import learning_rate
from tests.reference import neighbor_embedding as paper

NAMES = ("mnist-100", "cifar10-4000")


def as_many(images: int, labeled: int) -> torch.Tensor:
    """Targets of ten classes: so many images, so many of them labeled."""
    return torch.where(torch.arange(images) < labeled, torch.arange(images) % 10, -1)


def method_of(recipe: Recipe, targets: torch.Tensor, images: np.ndarray | None = None) -> NeighborMethod:
    """The method by this recipe; without images, one that can only draw."""
    shown = np.zeros((1, 1, 8, 8), np.uint8) if images is None else images
    network = build(recipe.network, channels=shown.shape[1])
    return NeighborMethod(network, source_of(shown), targets, recipe.settings, recipe.method)


def images_in(sampler: Sampler) -> int:
    step = sampler.step(0)
    return step.references.numel() + step.queries.numel() + step.pool.numel()


def some(count: int = 60, side: int = 8) -> Dataset:
    """Noise with a bright corner for one class: what two classes need to be told apart."""
    draws, classes = np.random.default_rng(0), np.arange(count) % 2
    images = draws.integers(0, 90, (count, side, side)).astype(np.uint8)
    images[classes == 1, :4, :4] += 150
    return from_arrays(images, [str(c) if i < 12 else None for i, c in enumerate(classes)], size=side)


@pytest.mark.parametrize(("name", "images", "labels"), [("mnist-100", 60_000, 10), ("cifar10-4000", 50_000, 400)])
def test_the_numbers_are_those_of_the_paper(name: str, images: int, labels: int) -> None:
    recipe = paper_recipe(name)
    settings, method = recipe.settings, recipe.method
    assert (recipe.labels_per_class, settings.epochs, settings.time_limit) == (labels, 90, None)
    assert (settings.momentum, settings.nesterov, settings.learning_rate) == (0.9, True, 0.1)
    assert (method.distance, method.temperature, method.sets) == ("squared", 1, 1)
    assert (settings.augment, settings.averaging, settings.dropout) == ("none", 0, 0)
    assert (method.labeled_weight, method.exclude_own, method.spread_share) == (1, False, 0)
    assert all(method.entropy_weight_at(progress) == 1 for progress in (0.0, 0.5, 0.999))

    trained = method_of(recipe, as_many(images, 10 * labels))
    assert not trained.changes_pool
    sampler = trained.sampler(0)
    assert images_in(sampler) == 32 + 32 + 10
    assert sampler.steps_per_epoch == (images - 10 * labels) // 32
    assert len(sampler.pool_images) == images - 10 * labels


def test_the_rate_falls_every_thirty_epochs_and_in_proportion_when_shortened() -> None:
    for epochs, third in ((None, 30 * 1875), (4.5, 2812)):
        recipe = paper_recipe("mnist-100+all-images", epochs=epochs)
        state = TrainingState(method_of(recipe, as_many(60_000, 100)), recipe.settings)
        total = steps_of(recipe.settings.epochs or 0, state)
        for part, rate in enumerate((0.1, 0.01, 0.001)):
            for step in (part * third + 2, (part + 1) * third - 2):
                assert learning_rate(recipe.settings, 0.1, step, total) == pytest.approx(rate)


def test_the_released_step_holds_52_images_and_passes_over_all() -> None:
    recipe = paper_recipe("mnist-100+released")
    sampler = method_of(recipe, as_many(60_000, 100)).sampler(0)
    assert (images_in(sampler), sampler.steps_per_epoch) == (52, 1875)
    step = sampler.step(7)
    assert sorted(step.labels.tolist()) == list(range(10))  # one query of each class
    assert (recipe.method.distance, recipe.settings.nesterov) == ("euclidean", False)
    assert (recipe.settings.weight_decay, recipe.settings.initialization) == (1e-4, "torch7")
    assert recipe.network == "neighbor-mnist-released"


@pytest.mark.parametrize(
    ("word", "changed"),
    [
        ("euclidean", {"distance": "euclidean"}),
        ("query-per-class", {"queries": 10}),
        ("heavy-ball", {"nesterov": False}),
        ("pool-first", {}),
        ("all-images", {"pool_of": "all"}),
        ("pytorch-start", {"initialization": "pytorch"}),
        ("no-decay", {"weight_decay": 0.0}),
    ],
)
@pytest.mark.parametrize("name", NAMES)
def test_each_reading_changes_itself_alone(name: str, word: str, changed: dict) -> None:
    plain, read = paper_recipe(name, seed=3), paper_recipe(f"{name}+{word}", seed=3)
    both = [asdict(recipe.settings) | asdict(recipe.method) for recipe in (plain, read)]
    assert both[1] == both[0] | changed
    assert len(both[0]) == len(asdict(plain.settings)) + len(asdict(plain.method))
    assert read.network == plain.network + "-released" * (word == "pool-first")
    assert (read.name, read.labels_per_class) == (f"{name}+{word}", plain.labels_per_class)


def test_released_is_all_readings_of_the_code_together() -> None:
    released, together = (paper_recipe(f"mnist-100+{words}") for words in ("released", "+".join(RELEASED)))
    assert replace(released, name=together.name) == together
    assert paper_recipe("MNIST_100").name == "mnist-100"


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("mnsit-100", "recipe 'mnsit-100'. Did you mean 'mnist-100'"),
        ("x", "There are: mnist-100, cifar10-4000"),
        ("mnist-100+euclid", "reading 'euclid'. Did you mean 'euclidean'"),
        ("mnist-100+", "no reading ''"),
        ("default", "no recipe 'default'"),
    ],
)
def test_what_does_not_exist_is_refused(name: str, said: str) -> None:
    with pytest.raises(UsageError, match=said.replace("+", r"\+")):
        paper_recipe(name)
    with pytest.raises(UsageError, match="either a number of epochs or a time limit"):
        paper_recipe("mnist-100", epochs=1.0, time_limit=5.0)


def test_how_much_of_the_schedule_a_run_is() -> None:
    assert schedule_in_words(90.0) == schedule_in_words(89.9) == "the full schedule of 90 epochs"
    assert schedule_in_words(4.5) == "schedule shortened to 1/20"
    assert schedule_in_words(180.0) == "schedule lengthened to 2 times"


@pytest.mark.parametrize("name", ["mnist-100", "mnist-100+released"])
def test_a_step_is_what_the_paper_prints(name: str) -> None:
    dataset, recipe = some(), paper_recipe(name, epochs=1.0)
    recipe = replace(recipe, method=replace(recipe.method, queries=2))  # of the two classes
    images, targets = torch.from_numpy(dataset.images), torch.from_numpy(dataset.targets)
    method = method_of(recipe, targets, dataset.images)
    moment = Moment(0, None, 0, "float32", build(recipe.network, channels=1))
    step = method.draw(moment)
    order = torch.cat([step.references.flatten(), step.queries, step.pool])
    with torch.no_grad():
        points = build(recipe.network, channels=1).train()(as_input(images[order])).tolist()
        method.network.train()
        found = method.terms(step, moment)
    references, queries, pool = [points[:2]], points[2:4], points[4:]
    kind = recipe.method.distance
    one_hot = [paper.one_hot(int(label), 2) for label in step.labels]
    labeled = paper.distance_ratio(queries, one_hot, references, kind, 1.0, [[True], [True]])
    assert found["labeled"].item() == pytest.approx(labeled, rel=1e-4)
    assert found["entropy"].item() == pytest.approx(paper.minimum_entropy(pool, references, kind, 1.0), rel=1e-4)
    assert found["consistency"].item() == 0


def test_torch7_begins_with_scales_from_0_to_1_that_the_seed_decides() -> None:
    def scales(settings: Settings) -> torch.Tensor:
        network, _ = begin(some(), settings, network="neighbor-mnist")
        return torch.cat([m.weight for m in network.modules() if isinstance(m, torch.nn.BatchNorm2d)]).detach()

    drawn = scales(paper_recipe("mnist-100", seed=1).settings)
    assert drawn.min() >= 0 and drawn.max() <= 1 and 0.4 < drawn.mean() < 0.6 and drawn.std() > 0.2  # noqa: PT018
    assert torch.equal(drawn, scales(paper_recipe("mnist-100", seed=1).settings))
    assert not torch.equal(drawn, scales(paper_recipe("mnist-100", seed=2).settings))
    assert scales(paper_recipe("mnist-100+pytorch-start").settings).eq(1).all()


@pytest.mark.parametrize("name", ["mnist-100", "cifar10-4000+released"])
def test_a_shortened_recipe_learns_and_answers_with_its_last_weights(name: str) -> None:
    recipe, kept = paper_recipe(name, epochs=24.0), some()
    fitted = fit(kept, recipe.settings, method=recipe.method, network=recipe.network)
    assert fitted.history[-1]["labeled"] < 0.5 * fitted.history[0]["labeled"]
    assert fitted.space.network_name == recipe.network
    answers = fitted.space.classifier.predict(fitted.points).label
    assert np.mean(answers == np.arange(len(kept)) % 2) > 0.9
