"""Templates: foreign text is escaped, a missing value is an error, the text can be written as UTF-8."""

from __future__ import annotations

import pytest
from jinja2 import UndefinedError

from ilk.report.explanation import ExplanationContent
from ilk.report.templates import render_template


def test_text_is_escaped_and_style_is_not() -> None:
    content = ExplanationContent("<b>\udcff</b>", images=())
    page = render_template("explanation.html", ("page.css",), content=content, images=(), grids=())
    assert "<title>&lt;b&gt;\\udcff&lt;/b&gt; · Ilk explanation</title>" in page
    assert 'content: "' in page  # of the style sheet, whose quotes stay
    page.encode("utf-8")


def test_a_value_that_is_missing_is_an_error() -> None:
    with pytest.raises(UndefinedError, match="content"):
        render_template("explanation.html", (), images=(), grids=())
