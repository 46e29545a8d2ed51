"""The signal of simulated values, which may be too many to look at, not finite, or without a variance."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np

from gondwana.autoinit.errors import warn_user
from gondwana.autoinit.frontends.keras.graph import Step
from gondwana.autoinit.signals.samples import finite_values, measured_signal
from gondwana.autoinit.signals.signal import Signal

_MOST = 1 << 20
"""Entries that are looked at; of more, every so many channels."""

_FEW = 1000
_DOMINANT = 0.2
"""Share of the sum of squares that one of at least ``_FEW`` values has only where the variance is not finite."""


def signal_of(step: Step, tensor: Any, *, exact: bool) -> Signal:
    """Return the signal of what a step put out on draws.

    Raises:
        NotIntegrableError: if none of the values is finite.
    """
    if len(tensor.shape) > 1:
        apart = int(np.prod(tensor.shape, dtype=np.int64)) // _MOST + 1
        tensor = tensor[..., :: min(apart, max(int(tensor.shape[-1]) // 8, 1))]
    values = np.asarray(keras.ops.convert_to_numpy(tensor), np.float64)
    where = f"{type(step.operation).__name__} {step.name!r}"
    values = finite_values(where, values)
    squares = np.square(values)
    if values.size >= _FEW and squares.max() > _DOMINANT * squares.sum() > 0:
        warn_user(
            f"{where} seems to have no finite variance: one of its {values.size} simulated values holds "
            f"{squares.max() / squares.sum():.0%} of their mean square"
        )
    return measured_signal(values, exact=exact)
