"""What a training step looks at: queries, their references, and images from the unlabeled pool."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from ilk.errors import UsageError
from ilk.shapes import Labels, Mask

LARGEST_COMPARED = 64
"""Above this many classes a step compares a sample of them."""


@dataclass(frozen=True)
class Batch:
    """The images of one training step, as positions in the data set.

    Args:
        references: shape (sets, classes), one labeled image of each compared class in each set.
        queries: shape (queries,), labeled images.
        labels: shape (queries,), the position of each query's class among the compared classes.
        valid_pairs: shape (queries, sets), False where a query is its own reference and that is excluded.
        pool: shape (pool,), images taken as unlabeled.
        classes: shape (classes,), the compared classes, ascending.
    """

    references: Tensor
    queries: Tensor
    labels: Labels
    valid_pairs: Mask
    pool: Tensor
    classes: Tensor

    @property
    def positions(self) -> Tensor:
        """Shape (images,), all images of the step, each once, ascending."""
        return torch.cat([self.references.flatten(), self.queries, self.pool]).unique()


class Sampler:
    """Draws the steps of a run; step i is a function of the seed and of i alone, so nothing is to be restored.

    References are drawn uniformly, one per class and set, different ones in each set while the class has enough labels.
    Queries come from each class equally often; with `exclude_own`, from images that are no reference of the step where
    the class has any.
    The pool is passed over in a new random order every epoch.

    Args:
        targets: shape (images,), class numbers, −1 for unlabeled. Every class has a label.
        sets: K, reference sets per step, at least 1.
        queries: labeled queries per step, at least 1.
        pool: images per step from the unlabeled pool, at least 0.
        pool_of: "all" takes every image into the pool (the released code), "unlabeled" only those without a label (the
            paper); where there are none, all.
        sampled_classes: how many classes a step compares at most.
        exclude_own: a query that is its own reference is avoided, and where it cannot be, does not count against that
            set; a class with one label is left as it is. False draws queries from all labels (the paper).
        seed: of all draws.
    Raises:
        UsageError: a count out of its range.
    Source:
        Hoffer & Ailon 2016, arXiv:1611.01449, §4.
    """

    def __init__(
        self,
        targets: Labels,
        *,
        sets: int = 1,
        queries: int = 32,
        pool: int = 32,
        pool_of: str = "all",
        sampled_classes: int = LARGEST_COMPARED,
        exclude_own: bool = True,
        seed: int = 0,
    ) -> None:
        if sets < 1 or queries < 1 or pool < 0 or sampled_classes < 2:
            raise UsageError(
                "A step needs sets ≥ 1, queries ≥ 1, pool ≥ 0, sampled_classes ≥ 2, "
                f"not {sets, queries, pool, sampled_classes}."
            )
        if pool_of not in ("all", "unlabeled"):
            raise UsageError(f"The pool is 'all' or 'unlabeled' images, not {pool_of!r}.")
        self.sets, self.queries, self.pool, self.exclude_own, self.seed = sets, queries, pool, exclude_own, seed
        unlabeled = (targets < 0).nonzero().flatten()
        use_all = pool_of == "all" or len(unlabeled) == 0
        self.pool_images = torch.arange(len(targets)) if use_all else unlabeled

        self.counts = torch.bincount(targets[targets >= 0])  # (all classes,)
        if (self.counts == 0).any():
            empty = int((self.counts == 0).nonzero()[0])
            raise UsageError(f"Class {empty} has no label: number the labeled classes only.")
        members = [(targets == c).nonzero().flatten() for c in range(len(self.counts))]
        self.members = torch.nn.utils.rnn.pad_sequence(members, batch_first=True, padding_value=-1)
        self.compared = min(sampled_classes, len(self.counts))
        self._order: tuple[int, Tensor] = (-1, self.pool_images)

    @property
    def compared_share(self) -> float:
        """The share of all classes that one step compares, above 0 to 1."""
        return self.compared / len(self.counts)

    @property
    def steps_per_epoch(self) -> int:
        """One epoch is one pass over the pool; the last images that do not fill a step wait for the next one."""
        return max(1, len(self.pool_images) // max(1, self.pool))

    def step(self, number: int) -> Batch:
        """The images of step `number`, counted from 0."""
        draw = batch_generator(self.seed, number)
        classes = torch.randperm(len(self.counts), generator=draw)[: self.compared].sort().values
        members, counts = self.members[classes], self.counts[classes, None]  # (classes, most labels), (classes, 1)

        keys = torch.rand(members.shape, generator=draw).masked_fill(members < 0, 2.0)
        shuffled = members.gather(1, keys.argsort(1))  # each class's labeled images in a random order, padding last
        turns = torch.arange(self.sets) % counts  # classes with fewer labels than sets use them again
        references = shuffled.gather(1, turns).T  # (sets, classes)

        rounds = -(-self.queries // self.compared)
        labels = torch.cat([torch.randperm(self.compared, generator=draw) for _ in range(rounds)])[: self.queries]
        used, count = counts[labels, 0].clamp_max(self.sets), counts[labels, 0]
        used = torch.where(count > used, used, 0) if self.exclude_own else torch.zeros_like(used)
        place = used + (torch.rand(self.queries, generator=draw) * (count - used)).long()
        queries = shuffled[labels, place.minimum(count - 1)]

        own = queries[:, None] == references[:, labels].T  # (queries, sets)
        valid_pairs = ~(own & (count[:, None] > 1)) if self.exclude_own else torch.ones_like(own)
        return Batch(references, queries, labels, valid_pairs, self._pool(number), classes)

    def _pool(self, number: int) -> Tensor:
        """The step's part of its epoch's order; a pool smaller than a step is gone through as often as needed."""
        epoch, place = divmod(number, self.steps_per_epoch)
        if self._order[0] != epoch:
            draw = torch.Generator().manual_seed(_mixed(self.seed, 1, epoch))
            self._order = (epoch, self.pool_images[torch.randperm(len(self.pool_images), generator=draw)])
        order = self._order[1]
        return order[(torch.arange(self.pool) + place * self.pool) % len(order)]


def batch_generator(seed: int, number: int) -> torch.Generator:
    """The randomness of which images step `number` looks at."""
    return torch.Generator().manual_seed(_mixed(seed, 0, number))


def step_generator(seed: int, number: int) -> torch.Generator:
    """The randomness of what is done to the images of step `number`: augmentation."""
    return torch.Generator().manual_seed(_mixed(seed, 2, number))


def step_seed(seed: int, number: int) -> int:
    """The seed of what a network itself draws in step `number`: dropout."""
    return _mixed(seed, 3, number)


def start_generator(seed: int) -> torch.Generator:
    """The randomness of initial weights that are drawn anew after the network was built."""
    return torch.Generator().manual_seed(_mixed(seed, 4, 0))


def head_generator(seed: int) -> torch.Generator:
    """The randomness of the first weights of a head on top of a network."""
    return torch.Generator().manual_seed(_mixed(seed, 5, 0))


def _mixed(seed: int, stream: int, number: int) -> int:
    """A seed below 2⁶³ for each (seed, stream, number); neighboring numbers give unrelated seeds (splitmix64)."""
    state = (seed * 0x9E3779B97F4A7C15 + stream * 0xD1B54A32D192ED03 + number * 0x8CB92BA72F3D8DD7 + 1) % 2**64
    state = (state ^ (state >> 30)) * 0xBF58476D1CE4E5B9 % 2**64
    state = (state ^ (state >> 27)) * 0x94D049BB133111EB % 2**64
    return (state ^ (state >> 31)) >> 1
