"""A network as a graph of its steps."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import jaxtyping
from torch import fx, nn

from ilk.errors import UsageError


@contextmanager
def at_rest(network: nn.Module) -> Iterator[None]:
    """A network in evaluation mode for a while; the mode of each of its modules is put back as it was."""
    modes = [(module, module.training) for module in network.modules()]
    network.eval()
    try:
        yield
    finally:
        for module, mode in modes:
            module.training = mode


def graph_of(network: nn.Module) -> fx.GraphModule:
    """The steps of a network in evaluation mode; its modules are shared, so that their modes are to be put `at_rest()`.

    Raises:
        UsageError: what it does depends on the images, so that no graph can say it.
    """
    checked = jaxtyping.config.jaxtyping_disable
    jaxtyping.config.update("jaxtyping_disable", True)  # what goes through it while it is traced has no shape
    try:
        with at_rest(network):
            return fx.symbolic_trace(network)
    except Exception as error:  # whatever its own code raises when it is given no image
        raise UsageError(
            f"{type(network).__name__} cannot be traced: {error}. A forward that torch.fx can follow has no decisions "
            "that depend on values or shapes."
        ) from error
    finally:
        jaxtyping.config.update("jaxtyping_disable", checked)
