"""Mean and variance of a model's inputs, as a caller gives them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from numbers import Real
from typing import Any

import numpy as np

from gondwana.autoinit.errors import AutoInitError, SignalError
from gondwana.autoinit.frontends.keras.graph import Graph

Statistic = float | Sequence[float] | Mapping[str, float]
"""One number for every input of a model, or one per input, in order or by name."""

_LARGEST = 1e100
"""Bound on the moments of inputs, whose squares must be numbers too."""


def per_input(what: str, value: Statistic, graph: Graph) -> list[float]:
    """Return a number for each input of a graph.

    Raises:
        AutoInitError: if there are too few or too many, or one is no number.
    """
    numbers: list[Any]
    if isinstance(value, Mapping):
        if set(value) != set(graph.names):
            raise AutoInitError(f"{what} must name the inputs {graph.names}. Received: {sorted(value)}")
        numbers = [value[name] for name in graph.names]
    elif isinstance(value, Real) or np.ndim(value) == 0:
        numbers = [value] * len(graph.inputs)
    else:
        numbers = list(value)  # type: ignore[arg-type]
    if len(numbers) != len(graph.inputs):
        raise AutoInitError(f"{what} needs one number per input, {len(graph.inputs)}. Received: {value!r}")
    return [_number(what, number) for number in numbers]


def _number(what: str, value: Any) -> float:
    value = value.item() if isinstance(value, np.ndarray) and value.size == 1 else value
    if not isinstance(value, Real):
        raise AutoInitError(f"{what} must be a number, or one per input. Received: {value!r}")
    number = float(value)
    if abs(number) > _LARGEST:
        raise SignalError(f"{what} must be finite and not beyond {_LARGEST:g}. Received: {value!r}")
    return number
