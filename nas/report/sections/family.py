"""The family tree of the best candidate as a picture: what it was made from, and what that was bred from."""

from __future__ import annotations

from markupsafe import Markup

from gondwana.nas.report.data.ancestry import MOST, Ancestor, ancestry
from gondwana.nas.report.data.run_data import RunData
from gondwana.nas.report.page.templates import render
from gondwana.nas.report.page.wording import number
from gondwana.nas.searches.codeepneat.network.picture import path_through

WIDTH, HEIGHT = 170, 54
COLUMN, ROW = WIDTH + 18, HEIGHT + 34
MARGIN = 8
LETTERS = 26
"""That fit into a box."""


def family(run: RunData) -> Markup:
    """Return the picture, and its content as a table; empty if the best candidate has no ancestors."""
    from gondwana.nas.searches.codeepneat.network.layout import layered

    best = run.best(1)
    found = ancestry(run, best[0]) if best else []
    if len(found) < 2:
        return Markup("")
    edges = [(parent, item.name) for item in found for parent in item.parents]
    layout = layered([item.name for item in found], edges)
    width = layout.columns * COLUMN + 2 * MARGIN

    def centre(place: tuple[float, int]) -> tuple[float, float]:
        return width / 2 + place[0] * COLUMN, MARGIN + HEIGHT / 2 + place[1] * ROW

    return render(
        "sections/family.html.j2",
        id=best[0].candidate.id,
        most=MOST if len(found) >= MOST else None,
        width=width,
        height=layout.rows * ROW + 2 * MARGIN,
        box=(WIDTH, HEIGHT),
        lines=[path_through([centre(place) for place in route]) for route in layout.routes.values()],
        boxes=[(*centre(layout.places[item.name]), *_texts(item)) for item in found],
        rows=[_row(item) for item in reversed(found)],
    )


def _texts(item: Ancestor) -> tuple[str, str, str]:
    """Return the three lines of a box."""
    how = item.text or ", ".join(item.operators) or "first generation"
    best = "" if item.best is None else f", best {number(item.best)}"
    return item.name, _cut(how), f"generation {item.generation}{best}"


def _cut(text: str) -> str:
    return text if len(text) <= LETTERS else text[: LETTERS - 1] + "…"


def _row(item: Ancestor) -> tuple[str, ...]:
    how = ", ".join(item.operators) or "first generation"
    return item.name, ", ".join(item.parents), how, str(item.generation), number(item.best), item.text
