"""The templates beside this file, filled with plain data; every text in them is escaped."""

from __future__ import annotations

from importlib.resources import files

from jinja2 import Environment, FunctionLoader, StrictUndefined
from markupsafe import Markup

from ilk.report.charts import short_number
from ilk.report.views import fine_percent, percent


def render_template(name: str, styles: tuple[str, ...], **values: object) -> str:
    """A template with its style sheets and values, as text that can be written as UTF-8."""
    environment = Environment(
        loader=FunctionLoader(_text), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters.update(
        count=lambda n: f"{n:,}", percent=percent, fine_percent=fine_percent, number=short_number
    )
    page = environment.get_template(name).render(style=Markup("".join(map(_text, styles))), **values)
    # A file name that is not UTF-8 reaches Python as lone surrogates, which no file could take.
    return page.encode("utf-8", "backslashreplace").decode("utf-8")


def _text(name: str) -> str:
    return files("ilk.report").joinpath(name).read_text("utf-8")
