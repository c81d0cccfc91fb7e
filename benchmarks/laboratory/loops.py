"""The training steps whose pace is compared: a plain loop with pytorch-metric-learning's NCALoss, and ours."""

from __future__ import annotations

import argparse
import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from importlib.util import find_spec

import torch
from torch import Tensor, nn

from ilk.data.image_source import DeviceImages
from ilk.errors import UsageError
from ilk.methods import NeighborMethod, NeighborSettings
from ilk.networks import build, canonical_name
from ilk.training import Callbacks, Settings, TrainingState, train
from ilk.training.precision import resolve_precision

PEER = "pytorch_metric_learning"
PLAIN, PLAIN_FAST = "plain", "plain, bfloat16, channels last"
OURS, OURS_FAST = "ours eager", "ours fast"
LABELS_PER_CLASS = 10
RATE = 1e-3  # nothing is learned, so it need only be small enough for every network
TEMPERATURE = 8.0
ENTROPY = 0.1


@dataclass(frozen=True)
class Work:
    """What every contestant is given.

    Args:
        network: its name.
        images: shape (images, channels, height, width), uint8, on the device.
        targets: shape (images,), class numbers, −1 for unlabeled, not on the device.
        sets, queries, pool: of a step, as in `NeighborSettings`.
        labeled: images with labels in a step, sets × classes + queries.
        steps: of a run, those that only warm up included.
    """

    network: str
    images: Tensor
    targets: Tensor
    sets: int
    queries: int
    pool: int
    labeled: int
    steps: int

    @property
    def images_per_step(self) -> int:
        return self.labeled + self.pool

    def built(self) -> nn.Module:
        """A fresh network on the device."""
        size = (self.images.shape[2], self.images.shape[3])
        return build(self.network, channels=self.images.shape[1], size=size).to(self.images.device)


OnStep = Callable[[int], None]
Loop = Callable[[Work, OnStep], float]
"""Runs all steps, tells each one's number when it is done, and returns a loss of the last."""


def random_work(given: argparse.Namespace, device: torch.device) -> Work:
    """Random images, the first few of each class labeled."""
    known = LABELS_PER_CLASS * given.classes
    if known > given.images:
        raise UsageError(f"{LABELS_PER_CLASS} labels in each of {given.classes} classes need --images {known} or more.")
    shape = (given.images, given.channels, given.size, given.size)
    pixels = torch.randint(256, shape, generator=torch.Generator().manual_seed(given.seed), dtype=torch.uint8)
    targets = torch.full((given.images,), -1)
    targets[:known] = torch.arange(given.classes).repeat(LABELS_PER_CLASS)
    return Work(
        network=canonical_name(given.network),
        images=pixels.to(device),
        targets=targets,
        sets=given.sets,
        queries=given.queries,
        pool=given.pool,
        labeled=given.sets * min(given.classes, NeighborSettings.sampled_classes) + given.queries,
        steps=given.warm_up + given.steps,
    )


def contestants(device: torch.device) -> dict[str, tuple[Loop, str]]:
    """Each loop with its number format, in the order of the turns: who is compared most is side by side."""
    fast = resolve_precision("auto", device)
    ours_alone: dict[str, tuple[Loop, str]] = {
        OURS: (partial(ours, precision="float32"), "float32"),
        OURS_FAST: (partial(ours, precision=fast), fast),
    }
    if find_spec(PEER) is None:
        return ours_alone
    theirs: dict[str, tuple[Loop, str]] = {
        PLAIN: (plain, "float32"),
        PLAIN_FAST: (partial(plain, fast=True), "bfloat16"),
    }
    return {name: (ours_alone | theirs)[name] for name in (OURS, PLAIN, OURS_FAST, PLAIN_FAST)}


def plain(work: Work, on_step: OnStep, *, fast: bool = False) -> float:
    """What a user would write without Ilk; `fast` is bfloat16 and channels last."""
    from pytorch_metric_learning.distances import LpDistance
    from pytorch_metric_learning.losses import NCALoss

    device, layout = work.images.device, torch.channels_last if fast else torch.contiguous_format
    images = work.images.float().sub_(128).div_(128)
    targets = work.targets.to(device)
    labeled, classes = (targets >= 0).nonzero().flatten(), int(targets.max()) + 1
    draw = torch.Generator(device).manual_seed(0)

    network = work.built().to(memory_format=layout)  # type: ignore[call-overload]  # left out of torch's types
    nca = NCALoss(softmax_scale=1 / TEMPERATURE, distance=LpDistance(power=2, normalize_embeddings=False))
    optimizer = torch.optim.SGD(network.parameters(), lr=RATE, momentum=0.9, nesterov=True, weight_decay=5e-4)
    network.train()
    for step in range(1, work.steps + 1):
        few = labeled[torch.randint(len(labeled), (work.labeled,), generator=draw, device=device)]
        many = torch.randint(len(images), (work.pool,), generator=draw, device=device)
        batch = images[torch.cat([few, many])].contiguous(memory_format=layout)
        with torch.autocast(device.type, torch.bfloat16, enabled=fast):
            points = network(batch)
        known, unknown = points.float().split([work.labeled, work.pool])

        loss = nca(known, targets[few])
        if work.pool:
            near = (-torch.cdist(unknown, known).square() / TEMPERATURE).softmax(1)
            p = near @ nn.functional.one_hot(targets[few], classes).float()  # (pool, classes)
            loss = loss - ENTROPY * (p * p.clamp_min(1e-12).log()).sum(1).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        on_step(step)
    return loss.item()


def ours(work: Work, on_step: OnStep, *, precision: str) -> float:
    """The step of every run of Ilk."""
    settings = Settings(
        time_limit=3600.0,  # asks for nothing, because the state knows its total
        augment="none",
        learning_rate=RATE,
        precision=precision,
    )
    options = NeighborSettings(
        sets=work.sets,
        queries=work.queries,
        pool=work.pool,
        temperature=TEMPERATURE,
        entropy_weight=ENTROPY,
        entropy_start=0.0,
        entropy_ramp=0.0,
        consistency_weight=0.0,  # as many images as in the plain loop
    )
    method = NeighborMethod(work.built(), DeviceImages(work.images), work.targets, settings, options)
    state = TrainingState(method, settings)
    state.total = work.steps
    callbacks = Callbacks(on_step=lambda step, total: on_step(step))
    train(state, settings, callbacks=callbacks)
    return math.nan if state.skipped else state.history[-1]["labeled"]
