"""Laws that every objective of the family keeps, whatever it asks for."""

from __future__ import annotations

import math
from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from ilk.distances import DISTANCES, Distance
from ilk.objectives import consistency, distance_ratio, log_probabilities, minimum_entropy
from tests.reference import neighbor_embedding as paper

CLASSES, SETS, QUERIES, DIM = 4, 3, 5, 6
LABELS = torch.tensor([0, 1, 2, 3, 1])
SOFT = torch.tensor([[0.7, 0.2, 0.1, 0.0]]).repeat(QUERIES, 1)
GROUPS = torch.tensor([0, 1, 1, 2])
COUNTED = torch.arange(QUERIES * SETS).view(QUERIES, SETS) % 4 != 1
THRESHOLD = 0.4

Objective = Callable[[Tensor, Tensor], Tensor]


def soft(log_p: Tensor) -> Tensor:
    return SOFT.to(log_p.dtype)


# Each takes (log P of the images, log P of their changed copies).
FAMILY: dict[str, Objective] = {
    "distance_ratio": lambda log_p, _: distance_ratio(log_p, LABELS),
    "distance_ratio, masked": lambda log_p, _: distance_ratio(log_p, LABELS, COUNTED),
    "distance_ratio, other targets": lambda log_p, _: distance_ratio(log_p, soft(log_p)),
    "minimum_entropy": lambda log_p, _: minimum_entropy(log_p),
    "minimum_entropy, groups": lambda log_p, _: minimum_entropy(log_p, GROUPS),
    "consistency": lambda log_p, changed: consistency(log_p, changed, THRESHOLD),
}
PLAIN: dict[str, Callable[..., float]] = {
    "distance_ratio": lambda x, _, z, *how: paper.distance_ratio(x, one_hot(), z, *how, every()),
    "distance_ratio, masked": lambda x, _, z, *how: paper.distance_ratio(x, one_hot(), z, *how, COUNTED.tolist()),
    "distance_ratio, other targets": lambda x, _, z, *how: paper.distance_ratio(x, SOFT.tolist(), z, *how, every()),
    "minimum_entropy": lambda x, _, z, *how: paper.minimum_entropy(x, z, *how),
    "minimum_entropy, groups": lambda x, _, z, *how: paper.minimum_entropy(x, z, *how, GROUPS.tolist()),
    "consistency": lambda x, changed, z, *how: paper.consistency(x, changed, z, *how, THRESHOLD),
}
AT_ONE_POINT = dict.fromkeys(FAMILY, math.log(CLASSES)) | {
    # P of the groups is 1/4, 2/4, 1/4.
    "minimum_entropy, groups": 2 * math.log(4) / 4 + math.log(2) / 2,
    # Where all points coincide nothing is certain.
    "consistency": 0.0,
}
every_objective = pytest.mark.parametrize("name", FAMILY)
every_distance = pytest.mark.parametrize("kind", DISTANCES)


def one_hot() -> list[list[float]]:
    return [paper.one_hot(label, CLASSES) for label in LABELS.tolist()]


def every() -> list[list[bool]]:
    return [[True] * SETS] * QUERIES


def cloud(seed: int, dtype: torch.dtype = torch.float64, offset: float = 0.0) -> tuple[Tensor, Tensor, Tensor]:
    """Points, their changed copies nearby, and K sets of references."""
    draw = torch.Generator().manual_seed(seed)
    points = torch.randn(QUERIES, DIM, generator=draw, dtype=torch.float64)
    changed = points + 0.3 * torch.randn(QUERIES, DIM, generator=draw, dtype=torch.float64)
    references = torch.randn(SETS, CLASSES, DIM, generator=draw, dtype=torch.float64)
    return (points + offset).to(dtype), (changed + offset).to(dtype), (references + offset).to(dtype)


def value(name: str, points: Tensor, changed: Tensor, references: Tensor, kind: Distance, temperature: float) -> Tensor:
    log_p = log_probabilities(points, references, distance=kind, temperature=temperature)
    log_p_changed = log_probabilities(changed, references, distance=kind, temperature=temperature)
    return FAMILY[name](log_p, log_p_changed)


@every_objective
@every_distance
@pytest.mark.parametrize("temperature", [0.5, 1.0, 4.0])
def test_equals_the_plain_loop(name: str, kind: Distance, temperature: float) -> None:
    for seed in range(5):
        points, changed, references = cloud(seed)
        expected = PLAIN[name](points.tolist(), changed.tolist(), references.tolist(), kind, temperature)
        fast = value(name, points, changed, references, kind, temperature)
        assert fast.item() == pytest.approx(expected, rel=1e-10, abs=1e-12)


def test_the_random_cases_ask_consistency_of_some_images_and_not_of_all() -> None:
    points, _, references = cloud(0)
    certainty = log_probabilities(points, references).exp().mean(1).amax(1)
    assert 0 < (certainty >= THRESHOLD).sum() < QUERIES


@every_objective
@every_distance
def test_right_at_an_offset_of_1000_in_float32(name: str, kind: Distance) -> None:
    """Judged on the very numbers that float32 holds there; the loss is then right to 1e-4."""
    points, changed, references = cloud(7, torch.float32, offset=1000.0)
    expected = PLAIN[name](points.tolist(), changed.tolist(), references.tolist(), kind, 1.0)
    assert value(name, points, changed, references, kind, 1.0).item() == pytest.approx(expected, rel=1e-5, abs=1e-4)


@every_objective
@every_distance
def test_moving_all_points_together_changes_nothing(name: str, kind: Distance) -> None:
    points, changed, references = cloud(3)
    before = value(name, points, changed, references, kind, 1.0).item()
    shift = torch.linspace(-3, 5, DIM, dtype=torch.float64)
    after = value(name, points + shift, changed + shift, references + shift, kind, 1.0).item()
    assert after == pytest.approx(before, rel=1e-10)


@every_objective
@every_distance
def test_value_where_all_points_coincide(name: str, kind: Distance) -> None:
    points, references = torch.ones(QUERIES, DIM), torch.ones(SETS, CLASSES, DIM)
    assert value(name, points, points, references, kind, 2.0).item() == pytest.approx(AT_ONE_POINT[name], abs=1e-6)


@every_distance
@pytest.mark.parametrize("name", [n for n in FAMILY if n != "distance_ratio, other targets"])
def test_0_at_its_minimum(name: str, kind: Distance) -> None:
    """Each query on its own class's reference, the other classes far away."""
    corners = 100.0 * torch.eye(CLASSES)
    points = corners[LABELS]
    assert value(name, points, points, corners.expand(SETS, -1, -1), kind, 1.0).item() == 0


@every_objective
@every_distance
def test_gradients_against_finite_differences(name: str, kind: Distance) -> None:
    tensors = [t.requires_grad_() for t in cloud(5)]
    if name == "consistency":  # its first argument carries no gradient, by design
        tensors[0] = tensors[0].detach()
        fixed = log_probabilities(tensors[0], tensors[2].detach(), distance=kind)
        assert torch.autograd.gradcheck(
            lambda x, z: consistency(fixed, log_probabilities(x, z, distance=kind), THRESHOLD),
            tensors[1:],
            fast_mode=True,
        )
        return
    assert torch.autograd.gradcheck(
        lambda x, z: value(name, x, x, z, kind, 1.5), (tensors[0], tensors[2]), fast_mode=True
    )


@every_objective
@every_distance
def test_no_nan_gradient_where_all_points_coincide(name: str, kind: Distance) -> None:
    points = torch.ones(QUERIES, DIM, requires_grad=True)
    references = torch.ones(SETS, CLASSES, DIM, requires_grad=True)
    value(name, points, points, references, kind, 1.0).backward()
    assert points.grad is not None
    assert references.grad is not None
    assert points.grad.isfinite().all()
    assert references.grad.isfinite().all()


@every_objective
@every_distance
def test_no_nan_gradient_for_a_query_that_is_its_own_reference(name: str, kind: Distance) -> None:
    images, _, _ = cloud(6)
    images.requires_grad_()
    references = images[:CLASSES].expand(SETS, -1, -1)
    value(name, images, images, references, kind, 1.0).backward()
    assert images.grad is not None
    assert images.grad.isfinite().all()
    if name != "consistency":
        assert images.grad.abs().sum() > 0


@every_objective
def test_gradients_flow_through_the_references(name: str) -> None:
    points, changed, references = cloud(8)
    references.requires_grad_()
    value(name, points, changed, references, "squared", 1.0).backward()
    assert references.grad is not None
    assert (references.grad.abs().sum(2) > 0).any()


@pytest.mark.parametrize("name", [n for n in FAMILY if n != "distance_ratio, masked"])  # its mask is for three sets
def test_sets_are_averaged_and_never_joined(name: str) -> None:
    """Of two sets one is right and near, one is wrong and far: a joined softmax would not see the far one."""
    near = torch.tensor([[0.0], [1.0], [2.0], [3.0]])
    far = 50.0 + near.flip(0)
    points = near[LABELS] + 0.1
    objective = FAMILY[name]

    def log_p(*sets: Tensor) -> Tensor:
        return log_probabilities(points, torch.stack(sets), distance="euclidean")

    together = objective(log_p(near, far), log_p(near, far)).item()
    if name == "consistency":
        p = (log_p(near).exp() + log_p(far).exp()) / 2
        sure, answers = p.squeeze(1).max(1)
        losses = [-(log_p(s).squeeze(1).gather(1, answers[:, None]).squeeze(1)) for s in (near, far)]
        apart = torch.where(sure >= THRESHOLD, (losses[0] + losses[1]) / 2, 0.0).mean().item()
    else:
        apart = sum(objective(log_p(s), log_p(s)).item() for s in (near, far)) / 2
    joined = log_probabilities(points, torch.cat([near, far])[None], distance="euclidean")
    joined = joined.view(QUERIES, 2, CLASSES).logsumexp(1, keepdim=True)
    assert together == pytest.approx(apart, rel=1e-5)
    assert abs(together - objective(joined, joined).item()) > 1e-3
