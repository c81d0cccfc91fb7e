"""Cross-entropy over a linear head: the loss, its gradient and its draws against plain loops; it learns and answers."""

from __future__ import annotations

import copy
import inspect
import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from ilk.data import from_arrays
from ilk.data.augmentation import random_affine
from ilk.data.image_source import DeviceImages
from ilk.errors import UsageError
from ilk.methods import ClassPriors, SoftmaxMethod, SoftmaxSettings
from ilk.methods.softmax import HeadedNetwork
from ilk.neighbors import HeadClassifier
from ilk.networks import as_input, build, embed
from ilk.recipes import fit, recipe
from ilk.sampling import step_generator
from ilk.training import Moment, Settings, TrainingState, train
from tests.training.tiny_run import CLASSES, assert_identical, pictures

SETTINGS = Settings(
    epochs=4.0, learning_rate=0.02, warmup_steps=5, averaging=0.9, augment="none", precision="float32", seed=1
)


def method(
    settings: Settings = SETTINGS, batch: int = 10, images: Tensor | None = None, priors: ClassPriors | None = None
) -> SoftmaxMethod:
    shown, targets, _ = pictures()
    source = DeviceImages(shown if images is None else images)
    options = SoftmaxSettings(batch=batch)
    return SoftmaxMethod(
        build("neighbor-mnist", channels=1), source, targets, settings, options, priors or ClassPriors()
    )


def at(step: int, trained: SoftmaxMethod, precision: str = "float32") -> Moment:
    return Moment(step, 10, 0, precision, trained.network)


def loss_of(trained: SoftmaxMethod, moment: Moment) -> Tensor:
    trained.network.train()
    (update,) = trained.updates(trained.draw(moment), moment)
    assert (update.optimizer, list(update.terms), update.terms["labeled"].weight) == ("main", ["labeled"], 1.0)
    return update.terms["labeled"].value


def probabilities(point: list[float], weight: list[list[float]], bias: list[float]) -> list[float]:
    """P(c | x) = exp(w_c · x + b_c) / Σ_j exp(w_j · x + b_j)."""
    powers = []
    for row, constant in zip(weight, bias, strict=True):
        logit = constant
        for w, x in zip(row, point, strict=True):
            logit += w * x
        powers.append(math.exp(logit))
    return [power / sum(powers) for power in powers]


def in_plain_numbers(trained: SoftmaxMethod, images: Tensor) -> tuple[list[list[float]], list[list[float]]]:
    """Points of a batch, from one forward pass in training mode of a network like it, and P of each."""
    twin = copy.deepcopy(trained.network).train()
    with torch.no_grad():
        points = twin.embedding(images).tolist()
    weight, bias = twin.head.weight.tolist(), twin.head.bias.tolist()
    return points, [probabilities(point, weight, bias) for point in points]


@pytest.mark.parametrize("augment", ["none", "affine"])
def test_the_loss_is_the_mean_of_minus_log_p_of_the_own_class(augment: str) -> None:
    trained = method(replace(SETTINGS, augment=augment, augment_strength=0.5))
    with torch.no_grad():
        trained.network.head.bias.copy_(torch.tensor([0.3, -0.2, 0.1]))
    moment = at(2, trained)
    batch = trained.draw(moment)
    images = as_input(pictures()[0][batch.positions])
    if augment == "affine":
        images = random_affine(images, step_generator(SETTINGS.seed, 2), 0.5)
    _, p = in_plain_numbers(trained, images)
    total = 0.0
    for p_of_image, label in zip(p, batch.labels.tolist(), strict=True):
        total -= math.log(p_of_image[label])
    assert loss_of(trained, moment).item() == pytest.approx(total / len(p), rel=1e-5)


def test_the_gradient_of_the_head_is_the_mean_of_p_minus_the_target_times_the_point() -> None:
    trained = method()
    moment = at(0, trained)
    batch = trained.draw(moment)
    points, p = in_plain_numbers(trained, as_input(pictures()[0][batch.positions]))
    dim, count = len(points[0]), len(points)
    weight = [[0.0] * dim for _ in range(CLASSES)]
    bias = [0.0] * CLASSES
    for point, p_of_image, label in zip(points, p, batch.labels.tolist(), strict=True):
        for c in range(CLASSES):
            error = (p_of_image[c] - (c == label)) / count
            bias[c] += error
            for d in range(dim):
                weight[c][d] += error * point[d]
    loss_of(trained, moment).backward()
    torch.testing.assert_close(trained.network.head.weight.grad, torch.tensor(weight), rtol=1e-4, atol=1e-6)
    torch.testing.assert_close(trained.network.head.bias.grad, torch.tensor(bias), rtol=1e-4, atol=1e-6)


def test_the_gradient_of_the_embedding_is_that_of_finite_differences() -> None:
    trained = method()
    trained.network.double()
    moment, images = at(0, trained), pictures()[0]
    batch = trained.draw(moment)
    seen = as_input(images[batch.positions]).double()

    def loss() -> Tensor:
        return nn.functional.cross_entropy(trained.network(seen), batch.labels)

    trained.network.train()
    loss().backward()
    weight = trained.network.embedding.features[0].weight
    for place in ((0, 0, 1, 1), (5, 0, 2, 3), (15, 0, 4, 0)):
        with torch.no_grad():
            sides = []
            for change in (1e-6, -2e-6):
                weight[place] += change
                sides.append(loss().item())
            weight[place] += 1e-6
        assert weight.grad is not None
        assert weight.grad[place].item() == pytest.approx((sides[0] - sides[1]) / 2e-6, rel=1e-4, abs=1e-8)


def test_labeled_images_are_drawn_equally_often_and_no_others() -> None:
    trained, (_, targets, _) = method(batch=30), pictures()
    batches = [trained.draw(at(step, trained)) for step in range(200)]
    drawn = torch.cat([batch.positions for batch in batches])
    assert torch.equal(torch.cat([batch.labels for batch in batches]), targets[drawn])
    counts = drawn.bincount(minlength=len(targets))
    assert (counts[targets < 0] == 0).all()
    labeled = counts[targets >= 0]
    assert ((labeled - 500) ** 2 / 500).sum() < 38  # χ², 11 degrees of freedom, at 99.99%
    assert trained.batch_sizes(0) == {"labeled": 30}
    assert [trained.steps_per_epoch(halvings) for halvings in range(6)] == [2, 4, 8, 20, 60, 60]


def test_unlabeled_images_are_not_looked_at() -> None:
    images, targets, _ = pictures()
    other = images.clone()
    other[targets < 0] = 255 - other[targets < 0]
    states = []
    for shown in (images, other):
        state = TrainingState(method(images=shown), SETTINGS)
        train(state, SETTINGS)
        states.append(state)
    assert_identical(*states)


def test_the_head_begins_small_by_the_seed_alone_and_with_no_bias() -> None:
    before = torch.get_rng_state()
    heads = [HeadedNetwork(nn.Identity(), 16, 500, seed).head for seed in (1, 1, 2)]
    assert torch.equal(torch.get_rng_state(), before)
    assert torch.equal(heads[0].weight, heads[1].weight)
    assert not torch.equal(heads[0].weight, heads[2].weight)
    weight = heads[0].weight.detach()
    assert (weight.shape, heads[0].bias.tolist()) == ((500, 16), [0.0] * 500)
    assert 0.24 < weight.abs().max() <= 0.25
    assert weight.std().item() == pytest.approx(0.25 / math.sqrt(3), rel=0.03)


def test_it_learns_and_its_head_answers() -> None:
    images, targets, truth = pictures()
    settings = replace(SETTINGS, epochs=10.0)
    state = TrainingState(trained := method(settings), settings)
    train(state, settings)
    assert state.history[-1]["labeled"] < 0.3 * state.history[0]["labeled"]
    points = embed(trained.embedding(state.average), images.numpy())
    known = targets.numpy() >= 0
    classifier = trained.classifier(state.average, points[known], targets.numpy()[known], CLASSES)
    answers = classifier.predict(points)
    with torch.no_grad():
        expected = state.average(as_input(images)).softmax(1).numpy()
    np.testing.assert_allclose(answers.probabilities, expected, rtol=1e-4, atol=1e-6)
    assert (answers.label == truth.numpy()).all()


def test_in_bfloat16_the_loss_is_nearly_the_same_and_float32() -> None:
    exact, low = (loss_of(trained := method(), at(0, trained, precision)) for precision in ("float32", "bfloat16"))
    assert low.dtype == torch.float32
    assert low.item() == pytest.approx(exact.item(), rel=0.05)
    assert low.item() != exact.item()


def test_prior_knowledge_and_a_batch_of_none_are_refused() -> None:
    for priors in (ClassPriors(groups=torch.tensor([0, 0, 1])), ClassPriors(class_targets=torch.eye(3))):
        with pytest.raises(UsageError, match="no prior knowledge"):
            method(priors=priors)
    bare = inspect.unwrap(SoftmaxSettings.__init__)
    with pytest.raises(UsageError, match="batch must be at least 1, not 0"):
        bare(object.__new__(SoftmaxSettings), batch=0)


def test_it_is_the_recipe_cross_entropy() -> None:
    found = recipe("cross-entropy", epochs=12.0, seed=2)
    assert (found.method, found.network, found.labels_per_class) == (SoftmaxSettings(), None, None)
    assert found.settings == Settings(epochs=12.0, seed=2)


def test_its_recipe_trains_a_space_that_answers() -> None:
    images, targets, truth = pictures()
    found = recipe("cross-entropy", epochs=12.0, seed=2)
    labels = [None if target < 0 else "abc"[target] for target in targets.tolist()]
    dataset = from_arrays(images.numpy()[:, 0], labels, size=8)
    fitted = fit(dataset, replace(found.settings, learning_rate=0.02), method=SoftmaxSettings(batch=12))
    assert isinstance(fitted.space.classifier, HeadClassifier)
    answers = fitted.space.classifier.predict(fitted.space.embed(dataset.images))
    assert (answers.label == truth.numpy()).mean() > 0.9
    assert {"labeled", "own_error", "spread"} <= fitted.history[-1].keys()
