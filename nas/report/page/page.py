"""The page around a report: one file, everything inside, readable on a phone and in the dark, no network."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import plotly.graph_objects as go
import plotly.io
from markupsafe import Markup

from gondwana.nas.report.page.templates import asset, render

LIBRARY = "plotly-basic.min.js"
"""plotly.js with the kinds of :data:`KINDS` alone: plotly.js-basic-dist-min of npm, MIT licence."""
KINDS = ("scatter", "bar")


class Figures:
    """Collects the figures of a page; each is placed where :meth:`add` is called and drawn by the page's script."""

    def __init__(self) -> None:
        self._content: dict[str, dict[str, Any]] = {}

    def add(self, figure: go.Figure, title: str, caption: str | None = None) -> Markup:
        """Return the place of a figure. The title names it for screen readers too.

        Raises:
            ValueError: for a kind of trace that the page's library cannot draw.
        """
        unknown = sorted({trace.type for trace in figure.data} - set(KINDS))
        if unknown:
            raise ValueError(
                f"figure {title!r}: traces are of {', '.join(KINDS)}. Received: {', '.join(unknown)}"
            )
        source = f"figure-{len(self._content) + 1}"
        content = json.loads(plotly.io.to_json(figure, validate=False, remove_uids=True))
        content["layout"].pop("template", None)
        self._content[source] = content
        return render("page/figure.html.j2", source=source, title=title, caption=caption)

    def content(self) -> dict[str, dict[str, Any]]:
        """Return the name and the data of every figure, in the order of the page."""
        return dict(self._content)

    def __len__(self) -> int:
        return len(self._content)


def main_content(
    title: str, introduction: Markup, sections: Sequence[tuple[str, Markup]], figures: Figures
) -> Markup:
    """Return everything of a page that depends on the run, as one element.

    Args:
        title: text of the first heading.
        introduction: shown under it.
        sections: heading and content, in order; empty content is left out.
        figures: those placed in the sections.
    """
    return render(
        "page/main.html.j2",
        title=title,
        introduction=introduction,
        sections=[(heading, content) for heading, content in sections if content],
        figures=figures.content().items(),
    )


def page(title: str, main: Markup, *, live: bool = False) -> str:
    """Return the whole document.

    Args:
        title: text of the title.
        main: see :func:`main_content`.
        live: follow a run under way: ask the server that sent the page for news and show them.
    """
    scripts = [asset(LIBRARY), asset("page.js"), *([asset("live.js")] if live else [])]
    document = render(
        "page/document.html.j2", title=title, main=main, live=live, style=asset("style.css"), scripts=scripts
    )
    return f"{document}\n"  # a plain string: Markup would escape what is joined to it
