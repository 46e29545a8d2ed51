"""NumPy forms, in float64, of what Keras layers accept as ``activation=``."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import keras
import numpy as np

from gondwana.autoinit.errors import AutoInitError
from gondwana.autoinit.moments.functions import BUILT_IN, SINGLE_PRECISION, ScalarFunction
from gondwana.autoinit.moments.gaussian import TOLERANCE, Array

VECTOR = ("softmax", "log_softmax", "sparsemax", "glu")
"""Functions of ``keras.activations`` whose entries depend on one another."""

_CONVERTERS: dict[type, Callable[[Any], ScalarFunction]] = {}


def numpy_form(*kinds: type) -> Callable[[Callable[[Any], ScalarFunction]], Callable[[Any], ScalarFunction]]:
    """Register the NumPy form of a class of activation objects: ``converter(activation) -> ScalarFunction``.

    Without one, :func:`numpy_activation` evaluates the object through Keras, which is slower and may be less accurate.
    """

    def register(converter: Callable[[Any], ScalarFunction]) -> Callable[[Any], ScalarFunction]:
        _CONVERTERS.update(dict.fromkeys(kinds, converter))
        return converter

    return register


def numpy_activation(activation: Any) -> ScalarFunction:
    """Return the NumPy form of what a Keras layer accepts as ``activation=``.

    Built-in functions come from a table in float64. Any other callable is evaluated through Keras, in float64 where the
    backend and the function keep it.

    Args:
        activation: name, ``keras.activations`` function, callable on tensors, or None (linear).

    Raises:
        AutoInitError: if the function is not elementwise, as softmax is not.
    """
    function = keras.activations.get(activation)
    converter = _CONVERTERS.get(type(function))
    if converter is not None:
        return converter(function)
    name = getattr(function, "__name__", type(function).__name__)
    if getattr(keras.activations, name, None) is function:
        if name in BUILT_IN:
            return BUILT_IN[name]
        if name in VECTOR:
            raise AutoInitError(f"the activation {name!r} is not elementwise")
    elif not is_elementwise(function):
        raise AutoInitError(f"the activation {name!r} is not elementwise")
    return through_keras(function, name)


def is_elementwise(activation: Any) -> bool:
    """Return whether each entry of ``activation(x)`` depends on the same entry of x alone (probed on a few values)."""
    function = keras.activations.get(activation)
    name = getattr(function, "__name__", "")
    if getattr(keras.activations, name, None) is function:
        return name not in VECTOR
    if type(function) in _CONVERTERS:
        return True
    probe = np.linspace(-2.0, 2.0, 8).reshape(2, 4)
    moved = probe.copy()
    moved[:, 0] += 0.7
    before, after = _evaluate(function, probe), _evaluate(function, moved)
    if before.shape != probe.shape:
        return False
    return bool(np.allclose(before[:, 1:], after[:, 1:], rtol=1e-5, atol=1e-6, equal_nan=True))


def through_keras(function: Any, name: str) -> ScalarFunction:
    """Return the NumPy form of a callable on tensors that is known to be elementwise."""
    tolerance = TOLERANCE if _keeps_double(function) else SINGLE_PRECISION
    return ScalarFunction(functools.partial(_evaluate, function), tolerance=tolerance, name=name)


def _keeps_double(function: Any) -> bool:
    third = _evaluate(function, np.full((1, 1), 1 / 3))
    return bool(third.astype(np.float32).astype(np.float64) != third)


def _evaluate(function: Any, x: Array) -> Array:
    """Evaluate a Keras callable; it always sees two axes, (batch, channels)."""
    shape = x.shape if x.ndim == 2 else (-1, 1)
    tensor = keras.ops.convert_to_tensor(x.reshape(shape), dtype="float64")
    result = np.asarray(keras.ops.convert_to_numpy(function(tensor)), dtype=np.float64)
    return result if x.ndim == 2 else result.reshape(x.shape)
