"""What a step looks at: exact counts, independence of the order of calls, and uniform draws."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from ilk.errors import UsageError
from ilk.sampling import LARGEST_COMPARED, Batch, Sampler, step_generator


def labels(per_class: list[int], unlabeled: int = 0, seed: int = 0) -> Tensor:
    """Class numbers in a random order: so many of each class, and −1 for the unlabeled."""
    targets = torch.tensor([c for c, count in enumerate(per_class) for _ in range(count)] + [-1] * unlabeled)
    return targets[torch.randperm(len(targets), generator=torch.Generator().manual_seed(seed))]


def same(a: Batch, b: Batch) -> bool:
    names = ("references", "queries", "labels", "valid_pairs", "pool", "classes")
    return all(torch.equal(getattr(a, name), getattr(b, name)) for name in names)


@pytest.mark.parametrize("per_class", [[5, 5, 5], [1, 4, 9], [2, 2], [1, 1, 1]])
@pytest.mark.parametrize("sets", [1, 2, 6])
def test_exactly_one_reference_per_class_and_set(per_class: list[int], sets: int) -> None:
    targets = labels(per_class, 20)
    sampler = Sampler(targets, sets=sets)
    for number in range(30):
        step = sampler.step(number)
        assert step.references.shape == (sets, len(per_class))
        assert (targets[step.references] == step.classes).all()
        assert step.classes.tolist() == list(range(len(per_class)))


@pytest.mark.parametrize("sets", [1, 2, 3])
def test_sets_hold_different_images_while_there_are_enough(sets: int) -> None:
    sampler = Sampler(labels([3, 4]), sets=sets)
    for number in range(30):
        for column in sampler.step(number).references.T:
            assert len(column.unique()) == sets


def test_a_class_with_fewer_labels_than_sets_uses_them_equally() -> None:
    step = Sampler(labels([2, 7]), sets=4).step(0)
    assert step.references[:, 0].unique(return_counts=True)[1].tolist() == [2, 2]
    assert len(step.references[:, 1].unique()) == 4


@pytest.mark.parametrize("queries", [2, 3, 32])
def test_queries_are_of_their_class_and_balanced(queries: int) -> None:
    targets = labels([4, 2, 9], 10)
    sampler = Sampler(targets, queries=queries)
    for number in range(30):
        step = sampler.step(number)
        assert torch.equal(targets[step.queries], step.classes[step.labels])
        counts = step.labels.bincount(minlength=3)
        assert counts.sum() == queries
        assert counts.max() - counts.min() <= 1


def test_a_query_is_no_reference_of_its_step_where_there_are_others() -> None:
    sampler = Sampler(labels([3, 5]), sets=2)
    for number in range(50):
        step = sampler.step(number)
        assert not torch.isin(step.queries, step.references.flatten()).any()
        assert step.valid_pairs.all()


def test_a_query_that_must_be_a_reference_does_not_count_against_itself_alone() -> None:
    sampler = Sampler(labels([2, 2]), sets=2, queries=8)
    for number in range(20):
        step = sampler.step(number)
        own = step.queries[:, None] == step.references[:, step.labels].T
        assert own.sum(1).eq(1).all()  # both labels are references, one is the query's own
        assert torch.equal(step.valid_pairs, ~own)


def test_a_class_with_one_label_still_counts() -> None:
    step = Sampler(labels([1, 1, 1]), sets=2).step(0)
    assert step.valid_pairs.all()
    assert torch.isin(step.queries, step.references.flatten()).all()


def test_without_the_exclusion_a_query_is_its_own_reference_as_often_as_chance_says() -> None:
    sampler = Sampler(labels([4, 4]), queries=20, exclude_own=False, seed=3)
    steps = [sampler.step(number) for number in range(100)]
    own = torch.cat([step.queries == step.references[0, step.labels] for step in steps])
    assert all(step.valid_pairs.all() for step in steps)
    assert 0.2 < own.float().mean().item() < 0.3  # 1/4, n = 2,000: five standard errors


@pytest.mark.parametrize(("images", "pool"), [(60, 20), (67, 20), (20, 20), (9, 4)])
def test_an_epoch_passes_over_the_pool_once(images: int, pool: int) -> None:
    sampler = Sampler(labels([2, 2], images - 4), pool=pool)
    for epoch in range(3):
        numbers = range(epoch * sampler.steps_per_epoch, (epoch + 1) * sampler.steps_per_epoch)
        seen = torch.cat([sampler.step(number).pool for number in numbers])
        assert len(seen.unique()) == len(seen) == images // pool * pool


def test_the_order_of_the_pool_changes_from_epoch_to_epoch() -> None:
    sampler = Sampler(labels([2, 2], 60), pool=64)
    assert not torch.equal(sampler.step(0).pool, sampler.step(1).pool)


def test_a_pool_smaller_than_a_step_is_gone_through_as_often_as_needed() -> None:
    step = Sampler(labels([3, 4]), pool=20).step(5)
    counts = step.pool.bincount(minlength=7)
    assert (counts.min(), counts.max(), len(step.pool)) == (2, 3, 20)


def test_no_pool_at_all() -> None:
    assert len(Sampler(labels([2, 2]), pool=0).step(0).pool) == 0


def test_the_pool_of_unlabeled_images_holds_no_label_unless_there_is_nothing_else() -> None:
    targets = labels([3, 3], 30)
    sampler = Sampler(targets, pool=10, pool_of="unlabeled")
    assert sampler.steps_per_epoch == 3
    assert all((targets[sampler.step(number).pool] == -1).all() for number in range(6))
    assert Sampler(labels([3, 3]), pool=6, pool_of="unlabeled").step(0).pool.sort().values.tolist() == list(range(6))
    assert Sampler(targets, pool=36, pool_of="all").step(0).pool.sort().values.tolist() == list(range(36))


def test_a_step_depends_on_the_seed_and_its_number_alone() -> None:
    targets = labels([4, 6, 1], 50)
    forward = [Sampler(targets, sets=2, pool=8, seed=5).step(number) for number in range(20)]
    once = Sampler(targets, sets=2, pool=8, seed=5)
    torch.manual_seed(99)
    for number in [19, 3, 3, 0, 11, 7, 18, 2]:
        assert same(once.step(number), forward[number])


def test_seeds_and_steps_differ_and_the_global_generator_is_left_alone() -> None:
    targets = labels([20, 20], 50)
    before = torch.get_rng_state()
    steps = [Sampler(targets, pool=8, seed=seed).step(number) for seed in range(4) for number in range(4)]
    assert torch.equal(torch.get_rng_state(), before)
    assert len({tuple(step.queries.tolist()) for step in steps}) == 16
    assert len({tuple(step.pool.tolist()) for step in steps}) == 16
    assert len({torch.rand(1, generator=step_generator(s, n)).item() for s in range(4) for n in range(4)}) == 16


def test_more_classes_than_a_step_compares() -> None:
    targets = labels([2] * 100)
    sampler = Sampler(targets, sets=2, queries=70)
    seen = set()
    for number in range(30):
        step = sampler.step(number)
        assert len(step.classes) == LARGEST_COMPARED == 64
        assert (step.classes.diff() > 0).all()
        assert (targets[step.references] == step.classes).all()
        assert torch.equal(targets[step.queries], step.classes[step.labels])
        seen |= set(step.classes.tolist())
    assert seen == set(range(100))


def test_every_labeled_image_is_drawn_equally_often() -> None:
    """χ² of references, queries and compared classes; at 99.99%, seeded."""
    targets = labels([6, 6, 6])
    sampler = Sampler(targets, sets=2, queries=6, sampled_classes=2, seed=1)
    steps = [sampler.step(number) for number in range(2000)]
    drawn = {
        "references": (torch.cat([step.references.flatten() for step in steps]).bincount(minlength=18), 46),  # 17 df
        "queries": (torch.cat([step.queries for step in steps]).bincount(minlength=18), 46),
        "classes": (torch.cat([step.classes for step in steps]).bincount(minlength=3), 19),  # 2 df
    }
    for name, (counts, limit) in drawn.items():
        expected = counts.sum() / len(counts)
        assert ((counts - expected) ** 2 / expected).sum() < limit, name


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ({"sets": 0}, "sets"),
        ({"queries": 0}, "queries"),
        ({"pool": -1}, "pool"),
        ({"sampled_classes": 1}, "sampled_classes"),
    ],
)
def test_refuses_counts_out_of_range(setting: dict[str, int], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        Sampler(labels([2, 2]), **setting)


def test_refuses_an_unknown_pool_and_a_class_without_labels() -> None:
    with pytest.raises(UsageError, match="'some'"):
        Sampler(labels([2, 2]), pool_of="some")
    with pytest.raises(UsageError, match="Class 1 has no label"):
        Sampler(labels([2, 0, 2]))
