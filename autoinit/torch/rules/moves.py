"""aten operations that move entries, copy them, or put tensors beside one another."""

from __future__ import annotations

from typing import Any

from gondwana.autoinit.errors import UnsupportedLayerError
from gondwana.autoinit.frontends.torch.graph import tensors_in
from gondwana.autoinit.frontends.torch.running import numbers
from gondwana.autoinit.signals.signal import Signal, mixture
from gondwana.autoinit.torch.calls import Call, rule
from gondwana.autoinit.torch.rules.operands import constant_signal


@rule("aten.cat", "aten.concat", "aten.stack")
def concatenate(call: Call, *signals: Signal) -> Signal:
    """Side by side: shares by size. What is constant is there in every example."""
    parts = list(tensors_in(call.argument(0)))
    axis = int(call.argument(1, 0))
    given = iter(signals)
    found, sizes = [], []
    for slot in parts:
        index = call.step.inputs[slot.position]
        shape = call.graph.shapes[index]
        sizes.append(1.0 if call.step.kind == "aten.stack" or not shape else float(shape[axis] or 1))
        values: Any = call.constants.get(index)
        found.append(
            next(given) if index not in call.graph.constant else constant_signal(call, numbers(values))
        )
    if call.step.kind == "aten.stack":
        return mixture(found, sizes) if len({id(s) for s in found}) > 1 else found[0]
    return call.calculus.concatenate(found, sizes)


_MOVES: tuple[str, ...] = (
    "view",
    "reshape",
    "flatten",
    "unflatten",
    "squeeze",
    "unsqueeze",
    "expand",
    "select",
    "slice",
    "narrow",
)
_MOVES += (
    "permute",
    "transpose",
    "t",
    "movedim",
    "swapaxes",
    "repeat",
    "tile",
    "broadcast_to",
    "split",
    "chunk",
)
_MOVES += ("unbind", "split_with_sizes", "repeat_interleave", "_unsafe_view", "expand_as", "view_as", "mT")
_MOVES += ("pixel_shuffle", "pixel_unshuffle", "channel_shuffle", "diagonal", "roll", "flip")

_COPIES = (
    "contiguous",
    "clone",
    "detach",
    "alias",
    "to",
    "_to_copy",
    "type_as",
    "lift_fresh_copy",
)


@rule(*(f"aten.{name}" for name in _MOVES))
def rearrange(call: Call, x: Signal, *like: Signal) -> Signal | tuple[Signal, ...]:
    """The same entries in other places, or some of them; ``like`` has the wanted shape."""
    before = call.before()
    moved = tuple(call.calculus.rearrange(x, before, call.after(n)) for n in range(len(call.step.outputs)))
    return moved[0] if len(moved) == 1 else moved


@rule(*(f"aten.{name}" for name in _COPIES))
def identity(call: Call, x: Signal, *like: Signal) -> Signal:
    """Another copy or precision of the same entries."""
    return x


@rule("aten.constant_pad_nd", "aten.pad")
def pad(call: Call, x: Signal) -> Signal:
    """Zeros around the positions."""
    widths, shape = call.argument(1), call.shape(0)
    layout = call.graph.layouts[call.variable_inputs()[0]]
    named = call.step.kind == "aten.pad"
    mode, value = (
        (call.argument(2, "constant"), call.argument(3)) if named else ("constant", call.argument(2, 0))
    )
    corner = [0] * len(shape)
    for number in range(len(widths) // 2):
        corner[len(shape) - 1 - number] = int(widths[2 * number])
    padded = [len(shape) - 1 - n for n in range(len(widths) // 2) if widths[2 * n] or widths[2 * n + 1]]
    if mode != "constant" or value or any(axis in layout for axis in padded) or min(widths) < 0:
        raise UnsupportedLayerError(f"{call.step.name!r} pads with more than zeros around positions")
    start = tuple(corner[axis] for axis in range(len(shape)) if axis not in layout)
    return call.calculus.pad(x, call.before()[:-1], call.after()[:-1], start)


MOVES = frozenset(f"aten.{name}" for name in (*_MOVES, *_COPIES))
"""Operations that put out what comes in, all of it or some, in other places: a plan does not list them."""
