"""Signals through activation functions: what every rule with an activation calls."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np

from gondwana.autoinit.frontends.keras.functions import is_elementwise, numpy_activation
from gondwana.autoinit.moments.functions import ScalarFunction
from gondwana.autoinit.moments.gaussian import Array, Function
from gondwana.autoinit.propagation.vectors import softmax
from gondwana.autoinit.registry import Call
from gondwana.autoinit.signals.signal import Signal


def elementwise(call: Call, f: Function | ScalarFunction, x: Signal, kinks: tuple[float, ...] = ()) -> Signal:
    """Return the signal of ``f(x)``.

    Args:
        call: the call under way.
        f: vectorised NumPy function.
        x: input signal.
        kinks: where f or a derivative jumps, if f is a plain function and they are known.

    Raises:
        NotIntegrableError: if f(x) has no finite variance.
    """
    return call.calculus.elementwise(x, f if isinstance(f, ScalarFunction) else ScalarFunction(f, kinks))


def activate(call: Call, activation: Any, x: Signal, axis_size: int | None = None) -> Signal:
    """Return the signal of a Keras activation, elementwise or not.

    Args:
        call: the call under way.
        activation: what the layer has as ``activation``: a callable, a name or None.
        x: what goes into the activation.
        axis_size: number of entries along the last axis, for functions such as softmax.
    """
    function = keras.activations.get(activation)
    if function is keras.activations.linear:
        return x
    if is_elementwise(function):
        return elementwise(call, numpy_activation(function), x)
    size = axis_size or call.output_shapes[0][-1]
    if function is keras.activations.softmax:
        return softmax(x, size or 1)
    return simulated(call, function, x, size or 1)


def simulated(call: Call, function: Any, x: Signal, size: int) -> Signal:
    """Return the signal of a function whose entries depend on one another, by seeded simulation.

    The estimate is rounded to four digits, so that backends which differ in the last bits agree.
    """
    rng = np.random.default_rng(call.settings.seed)
    rows = max(call.settings.samples // size, 64)
    sample: Array = rng.normal(x.mean, x.variance**0.5, (rows, size))
    result = function(keras.ops.convert_to_tensor(sample, dtype="float32"))
    return measured(np.asarray(keras.ops.convert_to_numpy(result), dtype=np.float64))


def measured(values: Array) -> Signal:
    """Return the signal of simulated values, to four digits."""
    return Signal(float(f"{values.mean():.4g}"), float(f"{values.var():.4g}"))
