"""The map as one self-contained page that opens by a double click and needs no network."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.resources import files

import numpy as np
from jaxtyping import Float, Int64
from jinja2 import Environment, StrictUndefined
from markupsafe import Markup

from ilk.errors import ShapeError
from ilk.maps.picture import CLASS_COLORS, DARK_CLASS_COLORS, OTHER_CLASSES_COLOR, draw_map
from ilk.maps.projection import Positions
from ilk.maps.sheets import COLUMNS, PER_SHEET, Sheets, make_sheets
from ilk.neighbors import STATUSES
from ilk.shapes import Pixels, Targets

SCRIPTS = ("map_state.js", "map_drawing.js", "map_acting.js")
"""Of the page's own script, in their order."""

OUTERMOST = 0.94
"""How far the outermost point lies from the middle; 1 is the edge of the window."""


@dataclass(frozen=True, eq=False)
class MapContent:
    """What a map shows of n images, one row each.

    Args:
        title: of the page.
        positions: shape (n, 2), where they lie.
        names: n file names.
        targets: shape (n,), class number of the own label, −1 where there is none.
        answers: shape (n,), class number of the answer.
        confidence: shape (n,), of the answer, 0 to 1.
        status: n words: sure, check or unlike.
        classes: the class names, by number.
        neighbors: shape (n, 3), which of the n images are the nearest labeled ones, −1 where there is none.
        distances: shape (n, 3), how far those are in the space.
        note: what the map may be trusted for.
        images: shape (n, channels, height, width), uint8, or None for a map without thumbnails.
        added: shape (n,), of bool: images that were placed later; None for none.
    """

    title: str
    positions: Positions
    names: Sequence[str]
    targets: Targets
    answers: Targets
    confidence: Float[np.ndarray, "images"]
    status: Sequence[str]
    classes: Sequence[str]
    neighbors: Int64[np.ndarray, "images near"]
    distances: Float[np.ndarray, "images near"]
    note: str = ""
    images: Pixels | None = None
    added: np.ndarray | None = None

    def require_valid(self) -> None:
        """Refuse columns of different lengths.

        Raises:
            ShapeError: a column has not one row per image.
        """
        n = len(self.positions)
        columns: dict[str, Sequence[str] | np.ndarray | None] = {
            **{"names": self.names, "targets": self.targets, "answers": self.answers, "status": self.status},
            **{"confidence": self.confidence, "neighbors": self.neighbors, "distances": self.distances},
            **{"images": self.images, "added": self.added},
        }
        for name, column in columns.items():
            if column is not None and len(column) != n:
                raise ShapeError(f"A map of {n:,} images needs one row of {name} for each, not {len(column):,}.")


def render_page(content: MapContent, on_progress: Callable[[int, int | None], None] | None = None) -> str:
    """The whole page as HTML text; the same content gives the same text.

    Names and classes are foreign text: the page shows them as text and never reads them as HTML. 60,000 images take
    about 17 MB, two thirds of them thumbnails.

    Args:
        content: what the map shows.
        on_progress: called with thumbnails made and their total.
    Returns:
        HTML, ready to be written as UTF-8.
    Raises:
        ShapeError: a column has not one row per image.
    """
    content.require_valid()
    folder = files("ilk.maps")
    parts = "".join(folder.joinpath(name).read_text("utf-8") for name in SCRIPTS)
    scripts = [folder.joinpath("scatterplot.js").read_text("utf-8"), f'"use strict";\n(() => {{\n{parts}}})();\n']
    sheets = Sheets() if content.images is None else make_sheets(content.images, on_progress=on_progress)
    added = np.zeros(len(content.positions), dtype=bool) if content.added is None else content.added
    picture = draw_map(content.positions, content.targets, content.classes, added=added, note="", pixels=1200)
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    page = environment.from_string(folder.joinpath("map.html").read_text("utf-8")).render(
        content=content,
        style=Markup(folder.joinpath("map.css").read_text("utf-8")),
        scripts=[Markup(script) for script in scripts],
        hashes=Markup(" ".join(f"'sha256-{_sha256(script)}'" for script in scripts)),
        data=Markup(_json(_page_data(content, sheets))),
        columns=Markup(_json(_columns(content, added))),
        sheets=[Markup(uri) for uri in sheets.uris],
        picture=Markup("data:image/png;base64," + base64.b64encode(picture).decode("ascii")),
        counts=_counts(content),
        total=f"{len(content.positions):,}",
        labeled=f"{int((content.targets >= 0).sum()):,}",
    )
    # A file name that is not UTF-8 reaches Python as lone surrogates, which no file could take.
    return page.encode("utf-8", "backslashreplace").decode("utf-8")


def _page_data(content: MapContent, sheets: Sheets) -> dict[str, object]:
    return {
        "title": content.title,
        "names": list(content.names),
        "classes": list(content.classes),
        "statuses": list(STATUSES),
        "colors": {"light": list(CLASS_COLORS), "dark": list(DARK_CLASS_COLORS)},
        "rest": OTHER_CLASSES_COLOR,
        "near": content.neighbors.shape[1],
        "sheets": {
            "width": sheets.width,
            "height": sheets.height,
            "columns": COLUMNS,
            "each": PER_SHEET,
            "exact": sheets.exact,
            "count": len(sheets.uris),
        },
    }


def _columns(content: MapContent, added: np.ndarray) -> dict[str, str]:
    """Each column as base64 of a little-endian array; map_state.js knows the types."""
    middle = (content.positions.max(axis=0) + content.positions.min(axis=0)) / 2 if len(content.positions) else 0
    centered = content.positions - middle
    spread = float(np.abs(centered).max(initial=0)) or 1.0
    x, y = (centered / spread * OUTERMOST).T
    numbers = {status: i for i, status in enumerate(STATUSES)}
    columns = {
        "x": x.astype("<f4"),
        "y": y.astype("<f4"),
        "target": content.targets.astype("<i4"),
        "answer": content.answers.astype("<i4"),
        "confidence": np.round(content.confidence * 10_000).astype("<u2"),
        "status": np.array([numbers.get(status, len(STATUSES) - 1) for status in content.status], dtype="u1"),
        "neighbor": content.neighbors.astype("<i4"),
        "distance": content.distances.astype("<f4"),
        "added": added.astype("u1"),
    }
    return {name: base64.b64encode(column.tobytes()).decode("ascii") for name, column in columns.items()}


def _counts(content: MapContent) -> list[tuple[str, int, int]]:
    """Each class with its labels and the images without a label that were answered with it."""
    labels = np.bincount(content.targets[content.targets >= 0], minlength=len(content.classes))
    answered = content.answers[(content.targets < 0) & (content.answers >= 0)]
    answers = np.bincount(answered, minlength=len(content.classes))
    return [(name, int(labels[i]), int(answers[i])) for i, name in enumerate(content.classes)]


def _json(value: object) -> str:
    # ASCII, and no "<": nothing in it can end the script element that holds it.
    return json.dumps(value, ensure_ascii=True, allow_nan=False, separators=(",", ":")).replace("<", "\\u003c")


def _sha256(text: str) -> str:
    return base64.b64encode(hashlib.sha256(text.encode()).digest()).decode("ascii")
