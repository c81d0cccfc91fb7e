"""Write the figures of docs/reference/networks.md from the networks; with --check, only say whether they are true.

A figure stands between two marks that Markdown does not show: <!-- name --> and <!-- / -->.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

from torch import nn

from ilk.insight import Description, describe
from ilk.networks import NETWORKS, outline, own_channels

PAGE = Path(__file__).parent / "reference" / "networks.md"
MARK = re.compile(r"(<!-- ([\w-]+) -->)(.*?)(<!-- / -->)", re.DOTALL)


def figures_of(name: str) -> tuple[int, Description]:
    """A network at its paper's size, with a 1,000-way head where the paper has one; the side and the figures."""
    side = NETWORKS[name].paper_size
    head = None if name.startswith(("neighbor", "facenet")) else 1000
    return side, describe(outline(name, dim=head), channels=own_channels(name), size=(side, side))


def table() -> str:
    """One row per network."""
    rows = [
        "| network | pixels | parameters | multiply-adds | field of the last conv | narrowest path |",
        "|---|" + "--:|" * 5,
    ]
    for name in NETWORKS:
        side, described = figures_of(name)
        seen = [layer.receptive_field for layer in described.layers if layer.kind == "conv"]
        last = max((field for field in seen if field), key=lambda field: sum(field.size))
        sizes = " | ".join("×".join(map(str, dict.fromkeys(pair))) for pair in (last.size, last.least_size))
        sums = f"{described.parameters:,} | {described.multiply_adds / 1e9:.3g} G"
        rows.append(f"| `{name}` | {side} | {sums} | {sizes} |")
    return "\n" + "\n".join(rows) + "\n"


def of(*layers: nn.Module, channels: int, side: int = 224) -> Description:
    """The figures of a few layers in series."""
    return describe(nn.Sequential(*layers), channels=channels, size=(side, side))


def stack(count: int, kernel: int, channels: int) -> Description:
    """As many convolutions without biases, one after the other."""
    convs = (nn.Conv2d(channels, channels, kernel, padding=kernel // 2, bias=False) for _ in range(count))
    return of(*convs, channels=channels, side=56)


def sees(described: Description, layer: int = -1) -> int:
    """Pixels across that a layer sees."""
    field = described.layers[layer].receptive_field
    assert field is not None
    return field.size[0]


def numbers() -> dict[str, str]:
    """Every figure of the page by its mark."""
    two, three, seven = stack(2, 3, 64), stack(3, 3, 64), stack(1, 7, 64)
    alex, zeiler = of(nn.Conv2d(3, 96, 11, 4, 2), channels=3), of(nn.Conv2d(3, 96, 7, 2, 1), channels=3)
    nn1, nn2 = figures_of("facenet-nn1")[1], figures_of("facenet-nn2")[1]
    narrow = of(
        nn.Conv2d(256, 64, 1, bias=False),
        nn.Conv2d(64, 64, 3, padding=1, bias=False),
        nn.Conv2d(64, 256, 1, bias=False),
        channels=256,
        side=56,
    )
    wide = stack(2, 3, 256)
    saved = {
        "two": sees(two),
        "three": sees(three),
        "seven": sees(seven),
        "three-weights": three.parameters // 64**2,
        "seven-weights": seven.parameters // 64**2,
        "more": f"{seven.parameters / three.parameters - 1:.0%}",
        "alex-side": alex.layers[0].output_shape[1],
        "alex-cost": f"{alex.multiply_adds / 1e6:.0f}",
        "zeiler-side": zeiler.layers[0].output_shape[1],
        "zeiler-cost": f"{zeiler.multiply_adds / 1e6:.0f}",
        "alex-numbers": f"{alex.parameters:,}",
        "zeiler-numbers": f"{zeiler.parameters:,}",
        "narrow": f"{narrow.parameters:,}",
        "wide": f"{wide.parameters:,}",
        "times": f"{wide.parameters / narrow.parameters:.0f}",
        "nn1-numbers": f"{nn1.parameters / 1e6:.1f}",
        "nn2-numbers": f"{nn2.parameters / 1e6:.1f}",
        "nn1-cost": f"{nn1.multiply_adds / 1e9:.2f}",
        "nn2-cost": f"{nn2.multiply_adds / 1e9:.2f}",
        "nn1-full": f"{sum(x.parameters for x in nn1.layers if x.kind == 'linear') / nn1.parameters:.0%}",
    }
    return {"table": table(), **{name: str(value) for name, value in saved.items()}}


def filled(page: str) -> str:
    """The page with today's figures."""
    known = numbers()
    return MARK.sub(lambda found: f"{found[1]}{known[found[2]]}{found[4]}", page)


if __name__ == "__main__":
    text = PAGE.read_text("utf-8")
    if "--check" not in sys.argv:
        PAGE.write_text(filled(text), "utf-8")
    elif filled(text) != text:
        sys.exit(f"{PAGE.name} does not hold the networks' figures: run `make docs`.")
