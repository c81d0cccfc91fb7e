"""One step of a traced network, a module and a function alike."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from torch import Tensor, fx, nn

from ilk.insight.operation_kinds import DEFAULTS

MODULES_NAME = {"pad": "padding"}  # nn.ZeroPad2d(padding) is F.pad(pad)


@dataclass(frozen=True)
class Operation:
    """One node of the traced graph.

    Args:
        name: the module's own (`features.conv1`), or for a function its place and kind (`layer1.0.add`); unique.
        rule: how it carries receptive fields, one of the constants of `ilk.insight.operation_kinds`.
        kind: a word for readers.
        node: of torch.fx, where `node.args` are other nodes.
        module: None for a function or method.
        function: what is called, without the tensors that a module holds.
        args: as called, with tensors on the meta device.
        kwargs: as called.
        output: as returned, on the meta device.
    """

    name: str
    rule: str
    kind: str
    node: fx.Node
    module: nn.Module | None
    function: Callable[..., Any]
    args: tuple[Any, ...]
    kwargs: dict[str, Any]
    output: Any

    def setting(self, name: str) -> Any:
        """The value of an argument, of a module or of a function alike."""
        if self.module is not None:
            own = MODULES_NAME.get(name, name)
            return getattr(self.module, own, DEFAULTS[self.kind].get(name))
        given = dict(zip(DEFAULTS[self.kind], self.args, strict=False))
        return {**DEFAULTS[self.kind], **given, **self.kwargs}[name]

    @property
    def held(self) -> Iterator[nn.Parameter]:
        """The parameters among the arguments: those that the network holds itself, without a module."""
        return (item for item in (*self.args, *self.kwargs.values()) if isinstance(item, nn.Parameter))

    @property
    def weight(self) -> Tensor | None:
        """The weights of a convolution or linear layer, on the meta device."""
        if self.kind not in ("conv", "linear"):
            return None
        return self.module.weight if isinstance(self.module, nn.Conv2d | nn.Linear) else self.setting("weight")
