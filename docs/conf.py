"""How the pages are built: Sphinx, Markdown by MyST, and nothing fetched from elsewhere."""

from __future__ import annotations

import importlib
import pkgutil

from docutils import nodes
from sphinx.util.docutils import SphinxDirective

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
suppress_warnings = ["ref.python"]  # a name that one package defines and another one exports is found twice

html_theme = "furo"
html_title = f"Ilk {release}"


def first_paragraph(app: object, what: str, name: str, thing: object, options: object, lines: list[str]) -> None:
    """Of a module's docstring keep the first paragraph: what follows is drawn for a reader of the source."""
    if what == "module" and "" in lines:
        del lines[lines.index("") :]


class Modules(SphinxDirective):
    """A package that gathers no names: what each of its modules holds, one after the other."""

    required_arguments = 1

    def run(self) -> list[nodes.Node]:
        """One `automodule` for the package and one for each of its modules."""
        package = self.arguments[0]
        found = pkgutil.iter_modules(importlib.import_module(package).__path__, f"{package}.")
        lines = [f".. automodule:: {package}", ""]
        for module in found:
            lines += [f".. rubric:: {module.name}", "", f".. automodule:: {module.name}", "   :members:", ""]
        return self.parse_text_to_nodes("```{eval-rst}\n" + "\n".join(lines) + "\n```")


def setup(app) -> None:
    """Called by Sphinx once."""
    app.add_directive("modules", Modules)
    app.connect("autodoc-process-docstring", first_paragraph)
