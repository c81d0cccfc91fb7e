"""The change that leads farthest: its length, and that no other of that length leads farther."""

from __future__ import annotations

import inspect
import math

import pytest
import torch
from torch import Tensor

from ilk.errors import ShapeError, UsageError
from ilk.objectives import adversarial_change


def draw(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def linear(images: Tensor) -> Tensor:
    """log P over two classes that depends on the first value of an image alone."""
    score = 3 * images[:, 0, 0, 0]
    return torch.stack([score, torch.zeros_like(score)], 1).log_softmax(1)[:, None]


def divergence(answers: Tensor, log_p: Tensor) -> Tensor:
    return (answers.exp() * (answers - log_p)).sum(2).mean(1)


@pytest.mark.parametrize("shape", [(5, 1, 4, 4), (3, 3, 6, 5)])
def test_each_image_is_moved_by_the_given_root_mean_square(shape: tuple[int, ...]) -> None:
    images = torch.rand(shape, generator=draw())
    moved = adversarial_change(images, linear(images), linear, 0.2, draw(1))
    assert moved.shape == images.shape
    assert not moved.requires_grad
    assert (moved - images).square().mean((1, 2, 3)).sqrt() == pytest.approx(torch.full((len(images),), 0.2), rel=1e-4)


def test_only_what_matters_is_moved_and_farther_than_chance_moves_it() -> None:
    images = torch.rand(40, 1, 4, 4, generator=draw())
    answers = linear(images)
    moved = adversarial_change(images, answers, linear, 0.1, draw(1))
    assert (moved - images)[:, 0, 0, 0].abs() == pytest.approx(torch.full((40,), 0.1 * 4), rel=1e-4)
    assert (moved - images).flatten(1)[:, 1:].abs().max() < 1e-6
    random = torch.randn(images.shape, generator=draw(2))
    random = images + 0.1 * 4 * random / random.flatten(1).norm(dim=1).view(-1, 1, 1, 1)
    assert divergence(answers, linear(moved)).mean() > 3 * divergence(answers, linear(random)).mean()


def test_it_leads_away_from_the_answers_not_from_what_the_image_says() -> None:
    images = torch.zeros(6, 1, 2, 2)
    for sign in (-1.0, 1.0):
        answers = torch.tensor([5.0 * sign, 0.0]).log_softmax(0).expand(6, 1, 2)
        moved = adversarial_change(images, answers, linear, 0.3, draw(3))
        assert (sign * moved[:, 0, 0, 0] < 0).all()


def test_a_size_of_zero_and_an_answer_that_nothing_moves_leave_images_as_they_are() -> None:
    images = torch.rand(4, 1, 3, 3, generator=draw())
    assert torch.equal(adversarial_change(images, linear(images), linear, 0.0, draw(1)), images)

    def deaf(images: Tensor) -> Tensor:
        return 0 * linear(images) + math.log(0.5)

    assert torch.equal(adversarial_change(images, deaf(images), deaf, 0.5, draw(1)), images)


def test_its_randomness_is_that_of_the_generator_and_weights_get_no_gradient() -> None:
    weight = torch.ones(1, requires_grad=True)

    def weighted(images: Tensor) -> Tensor:
        return linear(images * weight)

    images = torch.rand(4, 1, 3, 3, generator=draw())
    first, again = (adversarial_change(images, linear(images), weighted, 0.1, draw(7)) for _ in range(2))
    assert torch.equal(first, again)
    assert weight.grad is None


def test_refuses_wrong_shapes_and_sizes_without_the_checker_of_the_tests() -> None:
    bare, images = inspect.unwrap(adversarial_change), torch.rand(4, 1, 3, 3)
    answers = linear(images)
    for wrong in ((images[:, 0], answers), (images, answers[:, 0]), (images, answers[:1])):
        with pytest.raises(ShapeError, match="needs images"):
            bare(*wrong, linear, 0.1, draw())
    with pytest.raises(ShapeError, match=r"the shape \(4, 1, 2\), not \(4, 3, 2\)"):
        bare(images, answers.expand(4, 3, 2), linear, 0.1, draw())
    for size in (-1.0, float("nan"), float("inf")):
        with pytest.raises(UsageError, match="at least 0 and finite"):
            bare(images, answers, linear, size, draw())
    assert bare(images[:0], answers[:0], linear, 0.1, draw()).shape == (0, 1, 3, 3)
    with torch.no_grad():
        assert not torch.equal(bare(images, answers, linear, 0.1, draw()), images)
