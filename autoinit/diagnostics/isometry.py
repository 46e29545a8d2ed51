"""Dynamical isometry: how far the singular values of a chain's input-output Jacobian spread.

Pennington, Schoenholz and Ganguli (2017, equations 18 to 23): for L layers of equal width whose weights keep the
gradient, the squared singular values have mean 1 and variance ``sum over layers of (mu_2 / mu_1^2 - 1 - s_1)`` with
``mu_k = E[f'^(2k)]`` at the signal that the activation receives, and s_1 = -1 for independent Gaussian weights, 0 for
orthogonal ones. Only orthogonal weights and nearly linear activations can keep it small in a deep network.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np

from gondwana.autoinit.errors import ModelError
from gondwana.autoinit.frontends.keras.graph import Step, trace
from gondwana.autoinit.gradients.slopes import activation_of
from gondwana.autoinit.moments.functions import ScalarFunction
from gondwana.autoinit.moments.gaussian import gaussian_nodes
from gondwana.autoinit.planning import Plan
from gondwana.autoinit.registry import has_rule
from gondwana.autoinit.signals.signal import Signal

_WEIGHTED = (keras.layers.Dense, keras.layers.Conv1D, keras.layers.Conv2D, keras.layers.Conv3D)
_NEUTRAL = (keras.layers.Flatten, keras.layers.Reshape, keras.layers.Identity, keras.layers.InputLayer)


@dataclass(frozen=True, slots=True)
class JacobianSpectrum:
    """Expected squared singular values of the Jacobian of the output by the input.

    Attributes:
        mean: their mean.
        relative_variance: their variance, divided by the square of their mean.
        layers: number of layers with weights.
    """

    mean: float
    relative_variance: float
    layers: int


def jacobian_spectrum(model: keras.Model, plan: Plan) -> JacobianSpectrum:
    """Return the expected spectrum for a plain chain of dense or convolutional layers and activations.

    Layers are taken to be equally wide, as the theory does.

    Args:
        model: the chain.
        plan: for it; its distribution decides between Gaussian and orthogonal weights.

    Raises:
        ModelError: if the model is not such a chain.
    """
    steps = trace(model, has_rule).steps
    mean, spread, count = 1.0, 0.0, 0
    orthogonal = plan.distribution in ("orthogonal", "delta_orthogonal")
    scales = iter(plan.weights)
    for previous, step, call in zip([None, *steps[:-1]], steps, plan.calls, strict=True):
        _require_chain(previous, step)
        x = call.inputs[0]
        if isinstance(step.operation, _WEIGHTED):
            weight = next(scales)
            gain = weight.deviation**2 * weight.fan_in
            mean, count = mean * gain, count + 1
            spread += 0.0 if orthogonal else 1.0
            x = Signal(0.0, gain * x.second_moment)
        function = activation_of(step.operation)
        if function is not None and function.name != "linear":
            first, second = _slopes(function, x)
            mean *= first
            spread += second / first**2 - 1
    return JacobianSpectrum(mean, spread, count)


def _slopes(f: ScalarFunction, x: Signal) -> tuple[float, float]:
    """Return E[f'^2] and E[f'^4]."""
    step = 1e-4 * math.sqrt(x.variance) or 1e-4

    def slope(points: Any) -> Any:
        return (f(points + step) - f(points - step)) / (2 * step)

    nodes, weights = gaussian_nodes(lambda z: slope(z) ** 2, x.mean, x.variance, f.kinks, tolerance=1e-5)
    squares = np.asarray(slope(nodes)) ** 2
    return float(weights @ squares), float(weights @ squares**2)


def _require_chain(previous: Step | None, step: Step) -> None:
    known = isinstance(step.operation, (*_WEIGHTED, *_NEUTRAL)) or activation_of(step.operation) is not None
    if not known or len(step.inputs) != 1 or (previous is not None and step.inputs[0] != previous.outputs[0]):
        raise ModelError(
            "the spectrum is known for plain chains of dense or convolutional layers and activations only. "
            f"Received: {type(step.operation).__name__} {step.name!r}"
        )
