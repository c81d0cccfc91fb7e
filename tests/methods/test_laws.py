"""What holds for every method: each line of METHODS is tried by these laws, whatever it minimizes."""

from __future__ import annotations

import functools
import itertools
import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from ilk.data.image_source import DeviceImages
from ilk.distances import DISTANCES
from ilk.errors import InterruptedRunError, UsageError
from ilk.methods import METHODS, method_for, method_settings, named_options
from ilk.networks import build, embed
from ilk.training import Callbacks, Method, Moment, Settings, Term, TrainingState, Update, train
from tests.training.tiny_run import assert_identical

COUNT, CLASSES, LABELS, SIDE, STEPS = 64, 4, 16, 8, 6
SETTINGS = Settings(
    epochs=1.0, learning_rate=0.02, warmup_steps=2, averaging=0.8, dropout=0.1, precision="float32", seed=3
)
every_method = pytest.mark.parametrize("name", METHODS)


def toy_images() -> tuple[Tensor, Tensor, Tensor]:
    """64 noisy 8×8 images, bright along one of four sides: images, targets with 4 labels a class, truth."""
    truth = torch.arange(COUNT) % CLASSES
    images = torch.randint(0, 90, (COUNT, 1, SIDE, SIDE), generator=torch.Generator().manual_seed(0))
    images[truth == 0, :, :, :3] += 150
    images[truth == 1, :, :3, :] += 150
    images[truth == 2, :, :, 5:] += 150
    images[truth == 3, :, 5:, :] += 150
    return images.to(torch.uint8), torch.where(torch.arange(COUNT) < LABELS, truth, -1), truth


def toy_network(seed: int) -> nn.Module:
    """With dropout, so that what a network itself draws is tried too."""
    network = build("neighbor-mnist", channels=1, seed=seed)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        network.embedding = nn.Sequential(nn.Linear(128, 32), nn.Dropout(), nn.Linear(32, 8))
    return network


def start(
    name: str, *, steps: float = STEPS, seed: int = 3, weights: int = 0, targets: Tensor | None = None
) -> tuple[TrainingState, Settings]:
    """A fresh state of a method with its default options, and settings of so many steps."""
    images, usual, _ = toy_images()
    settings, kind = replace(SETTINGS, seed=seed), METHODS[name]
    known = usual if targets is None else targets
    method: Method = kind(toy_network(weights), DeviceImages(images), known, settings, kind.Options())
    settings = replace(settings, epochs=steps / method.steps_per_epoch(0))
    return TrainingState(method, settings), settings


def trained(name: str, **options: Any) -> TrainingState:
    state, settings = start(name, **options)
    train(state, settings)
    return state


@functools.cache
def learned(name: str) -> TrainingState:
    """After forty steps."""
    return trained(name, steps=40)


def copied(state: TrainingState) -> dict[str, Tensor]:
    return {name: tensor.clone() for name, tensor in state.tensors().items()}


def each_update(method: Method, change: Callable[[str, Tensor, Moment], Tensor]) -> None:
    """Let every term of every update pass through `change`."""
    real = method.updates

    def updates(batch: Any, moment: Moment) -> Iterator[Update]:
        for update in real(batch, moment):
            terms = {name: Term(change(name, t.value, moment), t.weight) for name, t in update.terms.items()}
            yield Update(terms, update.optimizer)

    method.updates = updates  # type: ignore[method-assign]


@every_method
@pytest.mark.parametrize("stop_after", [1, STEPS // 2])
def test_n_steps_and_a_resumed_run_to_its_end_are_the_run_without_a_stop(name: str, stop_after: int) -> None:
    broken, settings = start(name)
    saved: list[tuple[dict[str, Tensor], dict]] = []

    def save(state: TrainingState, must: bool) -> None:
        if must:
            saved.append((copied(state), json.loads(json.dumps(state.metadata()))))

    with pytest.raises(InterruptedRunError):
        train(broken, settings, callbacks=Callbacks(save=save, stop=lambda: broken.step == stop_after))
    again, _ = start(name, weights=9)
    again.restore(*saved[0])
    torch.manual_seed(7)
    train(again, settings)
    assert again.step == STEPS
    assert_identical(again, trained(name))


@every_method
@pytest.mark.parametrize("fault", ["the loss", "a gradient"])
def test_a_fault_changes_nothing_of_its_update(name: str, fault: str) -> None:
    state, settings = start(name)
    factor = {"the loss": float("nan"), "a gradient": 1.0}[fault]
    each_update(state.method, lambda term, value, moment: value * (factor if moment.step == 2 else 1.0))
    if fault == "a gradient":
        for network in state.method.networks.values():
            first = next(network.parameters())
            first.register_hook(lambda gradient: gradient * (float("inf") if state.step == 2 else 1.0))
    seen: dict[int, dict[str, Tensor]] = {}
    heard: list[tuple[int, str]] = []
    callbacks = Callbacks(
        on_state=lambda now: seen.update({now.step: copied(now)}),
        on_skip=lambda now, batch, what: heard.append((now.step, what)),
    )
    train(state, settings, callbacks=callbacks)
    assert heard == [(3, fault)]
    before, after, later = (seen[step] for step in (2, 3, 4))
    kept = [key for key in before if not key.startswith("method.")]  # refreshed before the step
    assert [key for key in kept if not torch.equal(before[key], after[key])] == []
    assert any(not torch.equal(after[key], later[key]) for key in kept if key.startswith("networks.main."))
    assert state.skipped == 1


@every_method
def test_terms_are_finite_scalars_and_named_as_the_curves(name: str) -> None:
    state, settings = start(name)
    met: list[tuple[int, str]] = []

    def note(term: str, value: Tensor, moment: Moment) -> Tensor:
        assert value.shape == ()
        assert value.dtype == torch.float32
        assert value.isfinite()
        met.append((moment.step, term))
        return value

    each_update(state.method, note)
    train(state, settings)
    names = [curve.name for curve in state.method.curves]
    for step in range(STEPS):
        assert sorted(term for at, term in met if at == step) == sorted(names)
    assert all(set(record) == {"epoch", "step", *names} for record in state.history)
    assert all(np.isfinite(list(record.values())).all() for record in state.history)


@every_method
def test_the_loss_falls_and_the_answers_are_right(name: str) -> None:
    state, (images, targets, truth) = learned(name), toy_images()
    first = state.method.curves[0].name
    assert state.history[-1][first] < 0.6 * state.history[0][first]
    answers = answers_to(state, images.numpy(), targets)
    assert (answers.label == truth.numpy()).mean() > 0.9


def answers_to(state: TrainingState, pixels: np.ndarray, targets: Tensor, batch: int | None = None) -> Any:
    images, known = toy_images()[0].numpy(), targets.numpy()
    network = state.method.embedding(state.average)
    points = embed(network, images[known >= 0])
    classifier = state.method.classifier(state.average, points, known[known >= 0], CLASSES)
    return classifier.predict(embed(network, pixels, batch=batch))


@every_method
def test_answers_depend_neither_on_the_order_nor_on_the_batch_of_what_is_asked(name: str) -> None:
    state, (images, targets, _) = learned(name), toy_images()
    pixels = images.numpy()
    whole = answers_to(state, pixels, targets)
    order = np.random.default_rng(0).permutation(COUNT)
    turned, small, alone = (
        answers_to(state, pixels[order], targets),
        answers_to(state, pixels, targets, batch=5),
        answers_to(state, pixels[7:8], targets),
    )
    for found, places in ((turned, order), (small, np.arange(COUNT)), (alone, np.array([7]))):
        np.testing.assert_array_equal(found.label, whole.label[places])
        np.testing.assert_array_equal(found.status, whole.status[places])
        np.testing.assert_allclose(found.probabilities, whole.probabilities[places], rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(whole.probabilities.sum(axis=1), 1, rtol=1e-5)
    assert whole.probabilities.shape == (COUNT, CLASSES)


@every_method
def test_one_seed_repeats_whatever_is_drawn_elsewhere_and_two_seeds_differ(name: str) -> None:
    first = trained(name)
    torch.manual_seed(123)
    before = torch.get_rng_state()
    assert_identical(trained(name), first)
    assert torch.equal(torch.get_rng_state(), before)
    assert trained(name, seed=4).history != first.history


@every_method
def test_a_step_is_drawn_by_its_number_alone(name: str) -> None:
    state, _ = start(name)
    # With an eighth of the images, so that a step does not look at all there are.
    moments = [Moment(step, STEPS, 3, "float32", state.average) for step in (0, 5, 2)]
    drawn = [state.method.draw(moment).positions for moment in moments]
    again = [state.method.draw(moment).positions for moment in moments[::-1]][::-1]
    assert all(torch.equal(a, b) for a, b in zip(drawn, again, strict=True))
    assert all(0 <= positions.min() <= positions.max() < COUNT for positions in drawn)
    assert not torch.equal(drawn[0], drawn[1])


@every_method
def test_labels_of_unlabeled_images_are_never_read(name: str) -> None:
    """Each holds its truth, behind the sign that says that it has no label: the run is the same, bit for bit."""
    _, targets, truth = toy_images()
    told = torch.where(targets < 0, -2 - truth, targets)
    assert len(told.unique()) == 2 * CLASSES
    assert_identical(trained(name, targets=told), trained(name))


@every_method
def test_without_memory_a_run_ends_with_half_the_images_a_step(name: str) -> None:
    state, settings = start(name)
    short = [True]

    def full(term: str, value: Tensor, moment: Moment) -> Tensor:
        if short and moment.step == 2:
            short.clear()
            raise MemoryError
        return value

    each_update(state.method, full)
    train(state, settings)
    assert (state.halvings, state.skipped) == (1, 0)
    assert state.step == state.total >= STEPS
    sizes = [state.method.batch_sizes(halvings) for halvings in range(4)]
    for larger, smaller in itertools.pairwise(sizes):
        assert larger.keys() == smaller.keys()
        assert all(smaller[kind] == max(min(1, larger[kind]), larger[kind] // 2) for kind in larger)


@every_method
def test_settings_come_back_from_json(name: str) -> None:
    kind = METHODS[name]
    for options in (kind.Options(), *kind.recipes.values()):
        named = json.loads(json.dumps(named_options(options)))
        assert named["name"] == name
        assert method_settings(named) == options
        assert method_for(options) is kind
    state, _ = start(name)
    distance, temperature = state.method.scale
    assert distance in DISTANCES
    assert temperature > 0


def test_settings_of_no_method_are_refused() -> None:
    with pytest.raises(UsageError, match=f"no method 'magic'. There are: {', '.join(METHODS)}"):
        method_settings({"name": "magic", "options": {}})
    with pytest.raises(TypeError, match="temper"):
        method_settings({"name": "neighbor", "options": {"temper": 1.0}})
