"""Elementwise functions and what quadrature needs to know about them; the common activation functions in float64."""

from __future__ import annotations

import functools
import math
from dataclasses import dataclass

import numpy as np
from scipy import special

from gondwana.autoinit.moments.gaussian import TOLERANCE, Array, Function

SINGLE_PRECISION = 1e-6
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
"""By the name of the function in ``keras.activations``, with the default arguments there."""
