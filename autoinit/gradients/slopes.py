"""What an elementwise function applies to the squared gradient: the mean square of its slope."""

from __future__ import annotations

import math
from typing import Any

import keras
import numpy as np

from gondwana.autoinit.errors import NotIntegrableError
from gondwana.autoinit.frontends.keras.functions import is_elementwise, numpy_activation, through_keras
from gondwana.autoinit.moments.functions import ScalarFunction, leaky_relu, relu
from gondwana.autoinit.moments.functions import elu as elu_function
from gondwana.autoinit.moments.gaussian import gaussian_moments
from gondwana.autoinit.registry import registered_rules
from gondwana.autoinit.rules import operations
from gondwana.autoinit.signals.signal import Signal

layers = keras.layers
_STEP = 1e-4


def mean_square_slope(f: ScalarFunction, x: Signal) -> float:
    """Return E[f'(X)^2] for Gaussian X, the factor that an activation applies to the squared gradient."""
    if x.variance == 0:
        return 1.0
    step = _STEP * math.sqrt(x.variance)

    def slope(points: Any) -> Any:
        return (f(points + step) - f(points - step)) / (2 * step)

    return gaussian_moments(
        slope, x.mean, x.variance, f.kinks, tolerance=max(f.tolerance, 1e-6)
    ).second_moment


def positive_slope(f: ScalarFunction, x: Signal) -> float:
    """Return E[f'(X)^2] for lognormal X of the same moments, where f is not defined for a Gaussian; else nan."""
    if x.mean <= 0:
        return math.nan
    spread = math.log1p(x.variance / x.mean**2)
    points, weights = np.polynomial.hermite_e.hermegauss(40)
    values = np.exp(math.log(x.mean) - spread / 2 + math.sqrt(spread) * points)
    step = _STEP * values  # stays on the positive side
    with np.errstate(all="ignore"):
        slope = (f(values + step) - f(values - step)) / (2 * step)
        mean = float(np.sum(weights * slope**2) / weights.sum())
    return mean if math.isfinite(mean) else math.nan


class Slopes:
    """:func:`mean_square_slope` at the four leading digits of a signal, each computed once."""

    def __init__(self) -> None:
        self._known: dict[tuple[ScalarFunction, float, float], float] = {}

    def __call__(self, f: ScalarFunction, x: Signal) -> float:
        """Return E[f'(X)^2]."""
        key = (f, float(f"{x.mean:.4g}"), float(f"{x.variance:.4g}"))
        if key not in self._known:
            try:
                self._known[key] = mean_square_slope(f, Signal(key[1], key[2]))
            except NotIntegrableError:
                self._known[key] = positive_slope(f, Signal(key[1], key[2]))
        return self._known[key]


def activation_of(operation: Any) -> ScalarFunction | None:
    """Return the elementwise function of an activation layer or unary operation, or that of ``activation=``."""
    if isinstance(operation, layers.ReLU):
        return relu(operation.negative_slope, operation.max_value, operation.threshold)
    if isinstance(operation, layers.LeakyReLU):
        return leaky_relu(operation.negative_slope)
    if isinstance(operation, layers.ELU):
        return elu_function(operation.alpha)
    if isinstance(operation, layers.PReLU):
        return leaky_relu(float(np.mean(keras.ops.convert_to_numpy(operation.alpha))))
    if not isinstance(operation, keras.Layer):
        return through_keras(operation.call, operation.name) if _is_unary(operation) else None
    function = getattr(operation, "activation", None)
    if function is None or isinstance(operation, layers.RNN) or not is_elementwise(function):
        return None
    return numpy_activation(function)


def _is_unary(operation: Any) -> bool:
    return registered_rules().get(type(operation)) is operations.unary
