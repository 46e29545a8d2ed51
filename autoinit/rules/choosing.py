"""Bare ``keras.ops`` calls that compare, choose and look up."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
import numpy as np

from gondwana.autoinit.frontends.keras.graph import Slot
from gondwana.autoinit.registry import Call, Weighted, rule
from gondwana.autoinit.rules.elementwise import elementwise
from gondwana.autoinit.rules.operations import IMAGE, PAIR, affine, classes, operands, weight
from gondwana.autoinit.signals.signal import Signal, mixture

ops = keras.ops

_COMPARISONS: dict[str, Callable[[Any, Any], Any]] = {
    name: getattr(np, name)
    for name in ("equal", "not_equal", "greater", "greater_equal", "less", "less_equal")
}


@rule(*classes([getattr(ops, name) for name in _COMPARISONS], *PAIR))
def comparison(call: Call, *signals: Signal) -> Signal:
    """1 where it holds and 0 elsewhere."""
    first, second = operands(call, signals)
    kind = type(call.operation).__name__.lower()
    compare = next(f for name, f in _COMPARISONS.items() if name.replace("_", "") == kind)
    if isinstance(first, Signal) and isinstance(second, Signal):
        first = call.calculus.combine((first, call.calculus.scale(second, -1.0)), "add")
        second = np.zeros(1)
    bound = float(np.mean(second if isinstance(first, Signal) else first))
    if isinstance(first, Signal):
        return elementwise(call, lambda x: compare(x, bound).astype(float), first, (bound,))
    return elementwise(call, lambda x: compare(bound, x).astype(float), second, (bound,))


@rule(*classes([ops.where], keras.KerasTensor((None, 4, 4, 2), dtype="bool"), *PAIR))
def where(call: Call, *signals: Signal) -> Signal:
    """One or the other: jointly with the condition in the ``exact`` propagation, a mixture in the ``paper`` one."""
    chosen, first, second = operands(call, signals)
    if not isinstance(chosen, Signal):
        share = float(np.mean(chosen))
    elif call.settings.exact:
        other = call.calculus.scale(chosen, -1.0, 1.0)
        return call.calculus.combine((_product(call, chosen, first), _product(call, other, second)), "add")
    else:
        share = min(max(chosen.mean, 0.0), 1.0)
    return mixture([_as_signal(first), _as_signal(second)], [share, 1 - share])


def _product(call: Call, x: Signal, other: Any) -> Signal:
    if isinstance(other, Signal):
        return call.calculus.combine((x, other), "multiply")
    return affine(call, x, scale=other)


def _as_signal(value: Any) -> Signal:
    return value if isinstance(value, Signal) else Signal(float(np.mean(value)), float(np.var(value)))


@rule(*classes([lambda x: ops.take(x, [0, 1], axis=1)], IMAGE))
def take(call: Call, *signals: Signal) -> Signal | Weighted:
    """Rows of a variable, as in an embedding; of a tensor, some of its entries."""
    source = call.arguments[0]
    return signals[0] if isinstance(source, Slot) else weight(call, source, Signal(0.0, 1.0), 1.0)
