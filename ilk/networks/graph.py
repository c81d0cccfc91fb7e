"""A network as a graph of operations, and evaluation mode for a while."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import jaxtyping
from torch import fx, nn

from ilk.errors import UsageError


@contextmanager
def evaluation_mode(network: nn.Module) -> Iterator[None]:
    """Put a network into evaluation mode for a while; afterwards each of its modules has its own mode again."""
    modes = [(module, module.training) for module in network.modules()]
    network.eval()
    try:
        yield
    finally:
        for module, mode in modes:
            module.training = mode


def graph_of(network: nn.Module) -> fx.GraphModule:
    """The steps of a network as in evaluation mode; the modules are shared, so run the graph in `evaluation_mode()`.

    Raises:
        UsageError: its forward depends on values or shapes, so no graph describes it.
    """
    checked = jaxtyping.config.jaxtyping_disable
    jaxtyping.config.update("jaxtyping_disable", True)  # what flows through it while it is traced has no shape
    try:
        with evaluation_mode(network):
            return fx.symbolic_trace(network)
    except Exception as error:  # its own code may raise anything when it is given no image
        raise UsageError(
            f"{type(network).__name__} cannot be traced: {error}. A forward that torch.fx can follow has no decisions "
            "that depend on values or shapes."
        ) from error
    finally:
        jaxtyping.config.update("jaxtyping_disable", checked)
