"""Which axis holds the examples and which the channels, followed through operations that move axes.

PyTorch has channels first for images and last for texts, and time may come before the batch. The theory needs to know
which axis is which; what an operation does to the axes tells.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from gondwana.autoinit.frontends.torch.graph import Graph, Layout, Step
from gondwana.autoinit.signals.window import Shape

_IMAGES = (
    "aten.conv",
    "aten.max_pool",
    "aten.avg_pool",
    "aten.adaptive",
    "aten.batch_norm",
    "aten.group_norm",
)
_VIEWS = {
    f"aten.{name}"
    for name in ("view", "reshape", "flatten", "unflatten", "squeeze", "unsqueeze", "_unsafe_view", "view_as")
}
_LAST = {
    f"aten.{name}"
    for name in ("linear", "matmul", "mm", "addmm", "bmm", "baddbmm", "embedding", "lstm", "gru")
}


def input_layout(graph: Graph, index: int) -> Layout:
    """Return the layout of an input: channels first where a convolution or the like takes it, or of four axes."""
    rank = len(graph.shapes[index])
    if rank < 2:
        return Layout(0, max(rank - 1, 0))
    takers = [step for step in graph.steps if index in step.inputs]
    image = any(step.kind.startswith(_IMAGES) for step in takers) or rank >= 4
    return Layout(0, 1 if image else rank - 1)


def layout_after(graph: Graph, step: Step, output: int) -> Layout:
    """Return the layout of an output of a step whose inputs have theirs."""
    shape = graph.shapes[output]
    rank = len(shape)
    known = [index for index in step.inputs if index in graph.layouts]
    if rank < 2 or not known:
        return Layout(0, max(rank - 1, 0))
    if step.kind.startswith("aten.conv"):
        return Layout(0, 1)
    if step.kind == "aten.embedding":
        return Layout(graph.layouts[known[0]].batch, rank - 1)
    source = max(known, key=lambda index: (len(graph.shapes[index]), graph.entries(index)))
    before, layout = graph.shapes[source], graph.layouts[source]
    found = _moved(step, before, shape, layout)
    if step.kind in _LAST:
        found = Layout(found.batch if found.batch < rank - 1 else 0, rank - 1)
    batch, channel = min(max(found.batch, 0), rank - 1), min(max(found.channel, 0), rank - 1)
    return Layout(batch, channel) if batch != channel else Layout(0, channel or rank - 1)


def _moved(step: Step, before: Shape, after: Shape, layout: Layout) -> Layout:
    name, arguments = step.kind.removeprefix("aten."), step.arguments
    rank = len(before)
    order = permutation(name, arguments, rank)
    if order is not None:
        return Layout(order.index(layout.batch), order.index(layout.channel))
    if name in ("select", "unbind"):
        default = arguments[1] if len(arguments) > 1 else 0
        axis = int(default) % rank
        return Layout(*(_without(axis, place, rank) for place in layout))
    if name == "stack":
        axis = int(arguments[1] if len(arguments) > 1 else 0) % (rank + 1)
        return Layout(*(place + (place >= axis) for place in layout))
    if step.kind in _VIEWS:
        return viewed(before, after, layout)
    if len(after) == rank:
        return layout
    if len(after) > rank:  # broadcast: new axes come first
        return Layout(*(place + len(after) - rank for place in layout))
    return _reduced(before, after, layout, arguments)


def _without(axis: int, place: int, rank: int) -> int:
    """Return where an axis is after another was removed; the last one takes the part of one that is gone."""
    return rank - 2 if place == axis else place - (place > axis)


def _reduced(before: Shape, after: Shape, layout: Layout, arguments: Sequence[Any]) -> Layout:
    """Return the layout after a reduction over the axes that the second argument names."""
    rank = len(before)
    axes = arguments[1] if len(arguments) > 1 else None
    axes = [axes] if isinstance(axes, int) else axes
    if not isinstance(axes, list | tuple) or len(before) - len(after) != len(axes):
        return Layout(0, len(after) - 1)
    gone = {int(axis) % rank for axis in axes}
    kept = [axis for axis in range(rank) if axis not in gone]
    return Layout(*(kept.index(place) if place in kept else len(kept) - 1 for place in layout))


def permutation(name: str, arguments: Sequence[Any], rank: int) -> list[int] | None:
    """Return which old axis each new axis is, for operations that permute axes; None for others."""
    order = list(range(rank))
    if name == "permute":
        return [int(axis) % rank for axis in arguments[1]]
    if name in ("transpose", "swapaxes", "swapdims"):
        one, two = (int(axis) % rank for axis in arguments[1:3])
        order[one], order[two] = order[two], order[one]
        return order
    if name in ("t", "numpy_T", "mT", "adjoint"):
        return order[::-1] if rank <= 2 or name == "numpy_T" else [*order[:-2], order[-1], order[-2]]
    if name in ("movedim", "moveaxis"):
        source, target = (
            [int(axis) % rank for axis in ([value] if isinstance(value, int) else value)]
            for value in arguments[1:3]
        )
        rest = [axis for axis in order if axis not in source]
        for old, new in sorted(zip(source, target, strict=True), key=lambda pair: pair[1]):
            rest.insert(new, old)
        return rest
    return None


def viewed(before: Shape, after: Shape, layout: Layout) -> Layout:
    """Return the layout after a reshape, by which axes were joined or cut.

    An axis that is cut goes on as its last part (heads and their channels) for channels, as its first for examples.
    """
    batch, channel = 0, len(after) - 1
    for old, new in _groups(before, after):
        if layout.batch in old and new:
            batch = new[0]
        if layout.channel in old:
            if new:
                channel = new[-1] if layout.channel == old[-1] or len(new) == 1 else new[0]
            else:
                channel = len(after) - 1
    return Layout(batch, channel)


def _groups(before: Shape, after: Shape) -> list[tuple[list[int], list[int]]]:
    """Return which old axes became which new ones: runs of axes with equal products."""
    groups: list[tuple[list[int], list[int]]] = []
    i = j = 0
    while i < len(before) or j < len(after):
        old, new = before[i] if i < len(before) else 1, after[j] if j < len(after) else 1
        if old == 1 and new != 1 and i < len(before):
            groups.append(([i], []))
            i += 1
            continue
        if new == 1 and old != 1 and j < len(after):
            groups.append(([], [j]))
            j += 1
            continue
        olds, news = [i], [j]
        left, right = int(old or 1), int(new or 1)
        i, j = i + 1, j + 1
        while left != right:
            if left < right and i < len(before):
                left *= int(before[i] or 1)
                olds.append(i)
                i += 1
            elif j < len(after):
                right *= int(after[j] or 1)
                news.append(j)
                j += 1
            else:
                return groups
        groups.append(([a for a in olds if a < len(before)], [a for a in news if a < len(after)]))
    return groups
