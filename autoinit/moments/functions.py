"""NumPy forms, in float64, of Keras activation functions."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
from scipy import special

from gondwana.autoinit.errors import AutoInitError
from gondwana.autoinit.moments.gaussian import TOLERANCE, Array, Function

_SINGLE_PRECISION = 1e-6
"""Tolerance of quadrature for functions that are computed in float32."""


@dataclass(frozen=True)
class ScalarFunction:
    """An elementwise function and what quadrature needs to know about it.

    Attributes:
        numpy: vectorised float64 form.
        kinks: points where it or a derivative of it jumps, as far as known.
        tolerance: accuracy that quadrature can reach.
        name: for messages.
        tame: known to have moments under every Gaussian.
    """

    numpy: Function
    kinks: tuple[float, ...] = ()
    tolerance: float = TOLERANCE
    name: str = "f"
    tame: bool = False

    def __call__(self, x: Array) -> Array:
        """Evaluate elementwise."""
        with np.errstate(all="ignore"):
            return np.asarray(self.numpy(x), dtype=np.float64)

    @property
    def __name__(self) -> str:
        return self.name

    def shifted(self, offset: float) -> ScalarFunction:
        """Return ``x -> f(x) + offset``."""
        return ScalarFunction(
            lambda x: self(x) + offset, self.kinks, self.tolerance, f"{self.name}{offset:+.4g}"
        )


@functools.lru_cache(maxsize=256)
def relu(
    negative_slope: float = 0.0, max_value: float | None = None, threshold: float = 0.0
) -> ScalarFunction:
    """Return the general ReLU of Keras: slope below ``threshold``, identity above, cut off at ``max_value``."""
    ceiling = math.inf if max_value is None else max_value

    def function(x: Array) -> Array:
        above = np.minimum(np.where(x > threshold if threshold else x > 0, x, 0.0), ceiling)
        return above + negative_slope * np.minimum(x - threshold, 0.0)

    kinks = (threshold,) if max_value is None else (threshold, max_value)
    return ScalarFunction(function, kinks, name="relu", tame=True)


@functools.lru_cache(maxsize=256)
def elu(alpha: float = 1.0) -> ScalarFunction:
    """Return ELU, ``alpha * (exp(x) - 1)`` below 0."""
    return ScalarFunction(
        lambda x: np.where(x > 0, x, alpha * np.expm1(np.minimum(x, 0.0))), (0.0,), name="elu"
    )


@functools.lru_cache(maxsize=256)
def leaky_relu(negative_slope: float = 0.2) -> ScalarFunction:
    """Return the leaky ReLU."""
    return ScalarFunction(
        lambda x: np.where(x > 0, x, negative_slope * x), (0.0,), name="leaky_relu", tame=True
    )


@functools.lru_cache(maxsize=256)
def gelu(approximate: bool = False) -> ScalarFunction:
    """Return GELU, exact or in its tanh form."""
    if approximate:
        c = math.sqrt(2 / math.pi)
        return ScalarFunction(
            lambda x: x / 2 * (1 + np.tanh(c * (x + 0.044715 * x**3))), name="gelu", tame=True
        )
    return ScalarFunction(lambda x: x * special.ndtr(x), name="gelu", tame=True)


_SELU_ALPHA, _SELU_SCALE = 1.6732632423543772, 1.0507009873554805

BUILT_IN: dict[str, ScalarFunction] = {
    function.name: function
    for function in (
        ScalarFunction(lambda x: x, name="linear", tame=True),
        relu(),
        ScalarFunction(lambda x: np.clip(x, 0.0, 6.0), (0.0, 6.0), name="relu6", tame=True),
        leaky_relu(),
        elu(),
        ScalarFunction(lambda x: _SELU_SCALE * elu(_SELU_ALPHA)(x), (0.0,), name="selu", tame=True),
        ScalarFunction(elu().numpy, (0.0,), name="celu", tame=True),
        gelu(),
        ScalarFunction(lambda x: x * special.expit(x), name="silu", tame=True),
        ScalarFunction(special.expit, name="sigmoid", tame=True),
        ScalarFunction(np.tanh, name="tanh", tame=True),
        ScalarFunction(np.exp, name="exponential", tame=True),
        ScalarFunction(lambda x: np.logaddexp(0.0, x), name="softplus", tame=True),
        ScalarFunction(lambda x: x / (1 + np.abs(x)), (0.0,), name="softsign", tame=True),
        ScalarFunction(lambda x: x * np.tanh(np.logaddexp(0.0, x)), name="mish", tame=True),
        ScalarFunction(special.log_expit, name="log_sigmoid", tame=True),
        ScalarFunction(lambda x: np.clip(x / 6 + 0.5, 0.0, 1.0), (-3.0, 3.0), name="hard_sigmoid", tame=True),
        ScalarFunction(
            lambda x: x * np.clip(x / 6 + 0.5, 0.0, 1.0), (-3.0, 3.0), name="hard_silu", tame=True
        ),
        ScalarFunction(lambda x: np.clip(x, -1.0, 1.0), (-1.0, 1.0), name="hard_tanh", tame=True),
        ScalarFunction(
            lambda x: np.where(np.abs(x) > 0.5, x, 0.0), (-0.5, 0.5), name="hard_shrink", tame=True
        ),
        ScalarFunction(lambda x: x - np.clip(x, -0.5, 0.5), (-0.5, 0.5), name="soft_shrink", tame=True),
        ScalarFunction(lambda x: x - np.tanh(x), name="tanh_shrink", tame=True),
        ScalarFunction(lambda x: (x + np.sqrt(x**2 + 4)) / 2, name="squareplus", tame=True),
        ScalarFunction(
            lambda x: np.where(x <= -1, 0.0, np.where(x < 1, (x + 1) ** 2 / 4, x)),
            (-1.0, 1.0),
            name="sparse_plus",
        ),
        ScalarFunction(
            lambda x: np.clip((x + 1) / 2, 0.0, 1.0), (-1.0, 1.0), name="sparse_sigmoid", tame=True
        ),
    )
}
"""By the name of the function in ``keras.activations``, with default arguments."""

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
    tolerance = TOLERANCE if _keeps_double(function) else _SINGLE_PRECISION
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
