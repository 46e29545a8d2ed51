"""HTML that is escaped by construction: text becomes markup only through :func:`element`."""

from __future__ import annotations

import html
from collections.abc import Iterable, Sequence

VOID = frozenset({"input", "img", "br", "hr", "link", "meta"})


class Html(str):
    """Markup that is safe to insert as it is. Everything else is text and is escaped."""

    __slots__ = ()


Node = Html | str | int | None
"""A child of an element; None is left out."""


def escape(text: object) -> Html:
    """Return ``text`` as markup that shows it."""
    return Html(html.escape(str(text), quote=True))


def join(nodes: Iterable[Node], separator: str = "") -> Html:
    """Return the nodes one after the other."""
    parts = [node if isinstance(node, Html) else escape(node) for node in nodes if node is not None]
    return Html(html.escape(separator).join(parts))


def element(tag: str, *children: Node, **attributes: str | bool | None) -> Html:
    """Return an element.

    Args:
        tag: name, written by the program and never taken from data.
        children: markup or text.
        attributes: values are escaped; ``_`` in a name becomes ``-`` and a trailing one is dropped (``class_``); True
            gives an attribute without a value, False and None leave it out.
    """
    head = tag + "".join(_attribute(name, value) for name, value in attributes.items())
    if tag in VOID:
        return Html(f"<{head}>")
    return Html(f"<{head}>{join(children)}</{tag}>")


def _attribute(name: str, value: str | bool | None) -> str:
    if value is None or value is False:
        return ""
    plain = name.rstrip("_").replace("_", "-")
    return f" {plain}" if value is True else f' {plain}="{escape(value)}"'


def table(
    header: Sequence[Node], rows: Iterable[Sequence[Node]], *, caption: str | None = None, **attributes: str
) -> Html:
    """Return a table in a box that scrolls sideways by itself, so that a narrow page does not."""
    head = element("thead", element("tr", *(element("th", cell, scope="col") for cell in header)))
    body = element("tbody", *(element("tr", *(element("td", cell) for cell in row)) for row in rows))
    title = None if caption is None else element("caption", caption)
    return element("div", element("table", title, head, body, **attributes), class_="scroll")


def definitions(items: Iterable[tuple[Node, Node]]) -> Html:
    """Return a list of terms with their descriptions."""
    return element("dl", *(join([element("dt", term), element("dd", text)]) for term, text in items))


def details(summary: Node, *children: Node) -> Html:
    """Return children that are shown when the summary is clicked."""
    return element("details", element("summary", summary), *children)
