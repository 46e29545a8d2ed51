"""Mean and variance of inputs, as a caller gives them; the same for every framework."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from numbers import Real
from typing import Any, TypeAlias

import numpy as np

from gondwana.autoinit.errors import AutoInitError, SignalError

Statistic: TypeAlias = float | Sequence[float] | Mapping[str, float]
"""One number for every input, or one per input, in order or by name."""

_LARGEST = 1e100
"""Bound on the moments of inputs, whose squares must be numbers too."""


def per_input(what: str, value: Any, names: Sequence[str]) -> list[float]:
    """Return a number for each input, given for all or for each, in order or by name.

    Raises:
        AutoInitError: if there are too few or too many, or one is no number.
    """
    numbers: list[Any]
    if isinstance(value, Mapping):
        if set(value) != set(names):
            raise AutoInitError(f"{what} must name the inputs {list(names)}. Received: {sorted(value)}")
        numbers = [value[name] for name in names]
    elif isinstance(value, Real) or np.ndim(value) == 0:
        numbers = [value] * len(names)
    else:
        numbers = list(value)
    if len(numbers) != len(names):
        raise AutoInitError(f"{what} needs one number per input, {len(names)}. Received: {value!r}")
    return [_number(what, number) for number in numbers]


def _number(what: str, value: Any) -> float:
    value = value.item() if hasattr(value, "item") and np.size(value) == 1 else value
    if not isinstance(value, Real):
        raise AutoInitError(f"{what} must be a number, or one per input. Received: {value!r}")
    number = float(value)
    if what == "input_variance" and not 0 <= number <= _LARGEST:
        raise SignalError(
            f"{what} must be a finite variance >= 0, not beyond {_LARGEST:g}. Received: {value!r}"
        )
    if not abs(number) <= _LARGEST:
        raise SignalError(f"{what} must be finite and not beyond {_LARGEST:g}. Received: {value!r}")
    return number
