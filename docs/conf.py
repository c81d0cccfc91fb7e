"""How the pages are built: Sphinx, Markdown by MyST, and nothing fetched from elsewhere."""

from __future__ import annotations

from ilk import __version__

project = "Ilk"
author = "The Ilk authors"
release = version = __version__

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon", "sphinx-mathjax-offline"]
exclude_patterns = ["_build"]
myst_enable_extensions = ["colon_fence", "dollarmath"]
myst_heading_anchors = 3

default_role = "code"  # single backticks in docstrings are code
autodoc_member_order = "bysource"
autodoc_preserve_defaults = True
napoleon_custom_sections = ["Source"]

html_theme = "furo"
html_title = f"Ilk {release}"


def first_paragraph(app: object, what: str, name: str, thing: object, options: object, lines: list[str]) -> None:
    """Of a module's docstring keep the first paragraph: what follows is drawn for a reader of the source."""
    if what == "module" and "" in lines:
        del lines[lines.index("") :]


def setup(app) -> None:
    """Called by Sphinx once."""
    app.connect("autodoc-process-docstring", first_paragraph)
