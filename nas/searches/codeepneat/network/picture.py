"""Picture of a network for the report: every layer with its shape and parameters, modules by colour, as SVG."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from typing import Any

from gondwana.nas.searches.codeepneat.network.layout import layered
from gondwana.nas.searches.codeepneat.network.plan import plan_network
from gondwana.nas.searches.codeepneat.network.steps import Plan, Step
from gondwana.tasks.base import TaskInfo

WIDTH, HEIGHT = 190, 40
COLUMN, ROW = WIDTH + 24, HEIGHT + 26
MARGIN = 16
NEUTRAL = "#e8e8e8"
COLOURS = ("#cfe3f6", "#fbe0c3", "#d3edd0", "#f3cfd6", "#e2d8f1", "#fdf3bf", "#d0ecec", "#ecdcc8")
"""Light fills on which black text is readable, one per module in turn."""

_SHOWN = ("kernel_size", "activation", "rate", "text", "pool_size")
_STYLE = (
    "text{font-family:system-ui,sans-serif;font-size:12px;fill:#111}"
    ".small{font-size:10px;fill:#444}"
    "path{fill:none;stroke:#888;stroke-width:1.3}"
    "rect{stroke:#777;stroke-width:0.8}"
)


def draw(model_spec: Mapping[str, Any], info: TaskInfo) -> str:
    """Return the picture of a network as the text of an ``<svg>`` element, to stand in a page or a file.

    Args:
        model_spec: JSON object with ``kind`` ``codeepneat``.
        info: the task that the network is for.

    Raises:
        gondwana.nas.searches.codeepneat.network.steps.SpecError: if the spec does not describe a network for the task.
    """
    plan = plan_network(model_spec, info)
    layout = layered(
        [step.name for step in plan.steps],
        [(source, step.name) for step in plan.steps for source in dict.fromkeys(step.inputs)],
    )
    width = layout.columns * COLUMN + 2 * MARGIN
    height = layout.rows * ROW + 2 * MARGIN

    def centre(place: tuple[float, int]) -> tuple[float, float]:
        return width / 2 + place[0] * COLUMN, MARGIN + HEIGHT / 2 + place[1] * ROW

    routes = [[centre(place) for place in route] for route in layout.routes.values()]
    lines = [f'<path d="{path_through(route)}"/>' for route in routes]
    colours = _colours(plan)
    boxes = [
        _box(step, centre(layout.places[step.name]), colours.get(_module(step), NEUTRAL))
        for step in plan.steps
    ]
    title = f"Network of {len(plan.steps)} layers with {plan.parameters:,} parameters"
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:.0f} {height:.0f}" '
        f'style="width:100%;max-width:{width:.0f}px" role="img" aria-label="{escape(title)}">'
        f"<title>{escape(title)}</title><style>{_STYLE}</style>{''.join(lines)}{''.join(boxes)}</svg>"
    )


def _module(step: Step) -> str | None:
    """Return the module whose instance a step belongs to; None for the fixed parts and the joints between modules."""
    parts = step.name.split("_")
    return parts[1] if len(parts) > 2 and parts[1].startswith("module") else None


def _colours(plan: Plan) -> dict[str | None, str]:
    modules = dict.fromkeys(_module(step) for step in plan.steps)
    modules.pop(None, None)
    return {module: COLOURS[number % len(COLOURS)] for number, module in enumerate(modules)}


def _box(step: Step, centre: tuple[float, float], colour: str) -> str:
    x, y = centre
    shape = " × ".join(map(str, step.shape))
    weights = f", {step.parameters:,} parameters" if step.parameters else ""
    tip = "; ".join(f"{name} = {value}" for name, value in step.genes.items())
    return (
        f"<g><title>{escape(step.name)}{': ' + escape(tip) if tip else ''}</title>"
        f'<rect x="{x - WIDTH / 2:.1f}" y="{y - HEIGHT / 2:.1f}" width="{WIDTH}" height="{HEIGHT}" rx="6" '
        f'fill="{colour}"/>'
        f'<text x="{x:.1f}" y="{y - 3:.1f}" text-anchor="middle">{escape(_label(step))}</text>'
        f'<text class="small" x="{x:.1f}" y="{y + 12:.1f}" text-anchor="middle">{shape}{weights}</text></g>'
    )


def _label(step: Step) -> str:
    values = [_short(step.genes[name]) for name in _SHOWN if name in step.genes]
    label = " ".join([step.name if step.kind == "Head" else step.kind, *values])
    return label if len(label) <= 30 else label[:29] + "…"


def _short(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:.2g}"
    if isinstance(value, tuple):
        return "×".join(map(str, value))
    return str(value)


def path_through(points: list[tuple[float, float]]) -> str:
    """Return the SVG path of a smooth line through points, vertical at each of them."""
    (x, y), *rest = points
    path = [f"M{x:.1f} {y:.1f}"]
    for next_x, next_y in rest:
        middle = (y + next_y) / 2
        path.append(f"C{x:.1f} {middle:.1f} {next_x:.1f} {middle:.1f} {next_x:.1f} {next_y:.1f}")
        x, y = next_x, next_y
    return "".join(path)
