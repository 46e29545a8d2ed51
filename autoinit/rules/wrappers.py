"""Layers around layers.

Spectral normalization divides a kernel by an estimate of its largest singular value (Miyato et al. 2018). The scale of
the kernel drops out. It is planned so that its largest singular value is about 1 from the start, as the layer leaves it
after its first step; the size of the output follows from the shape of the kernel.
"""

from __future__ import annotations

import functools
import math
from dataclasses import dataclass, fields, replace
from typing import Any

import keras
import numpy as np

from gondwana.autoinit.draws import generator
from gondwana.autoinit.frontends.keras.folding import Folded, Unfolded
from gondwana.autoinit.moments.gaussian import Array
from gondwana.autoinit.propagation.calculus import Energy
from gondwana.autoinit.registry import Call, Result, Scale, rule, rule_for
from gondwana.autoinit.signals.fields import Field
from gondwana.autoinit.signals.law import Correlations, gaussian
from gondwana.autoinit.signals.signal import Signal

layers = keras.layers


@rule(layers.TimeDistributed)
def time_distributed(call: Call, x: Signal) -> Result:
    """The inner layer, once per time step: as if time were part of the batch."""
    inner = replace(
        call,
        operation=call.layer.layer,
        input_shapes=tuple((shape[0], *shape[2:]) for shape in call.input_shapes),
        output_shapes=tuple((shape[0], *shape[2:]) for shape in call.output_shapes),
    )
    free = Signal(
        x.mean, x.variance, x.covariance
    )  # its law is about positions that the inner layer does not see
    return rule_for(inner.operation)(inner, free)


@rule(Folded)
def folded(call: Call, x: Signal) -> Signal:
    """Examples are as much alike as time steps were; the law is about positions that are gone."""
    if not call.settings.exact or x.variance == 0:
        return Signal(x.mean, x.variance, x.covariance)
    alike = x.covariance / x.variance
    return Field((gaussian(x.mean, x.variance, Correlations(alike, alike, alike)),)).signal()


@rule(Unfolded)
def unfolded(call: Call, x: Signal, like: Signal) -> Signal:
    """Time steps are as much alike as examples were."""
    if not isinstance(x.law, Field):
        return Signal(x.mean, x.variance, x.covariance)
    shared = x.law.amplitude**2 * sum(part.share * part.shared(part.rho.between) for part in x.law.parts)
    return Signal.from_moments(x.mean, x.second_moment, shared)


_ENTRIES = 1 << 18
_DRAWS = 4


@rule(layers.SpectralNormalization)
def spectral_normalization(call: Call, x: Signal) -> Result:
    """The rule of the layer inside, with a kernel of spectral norm 1."""
    given = {field.name: getattr(call, field.name) for field in fields(call)}
    inner = _Normalized(**(given | {"operation": call.layer.layer}), wrapper=call.layer)
    return rule_for(inner.operation)(inner, x)


@dataclass(frozen=True, slots=True)
class _Normalized(Call):
    """A call whose kernel has a given spectral norm, whatever comes in."""

    wrapper: Any = None

    def scale(self, variable: Any, energy: Energy) -> Scale:
        """Return the scale at which the estimate of the largest singular value is 1."""
        rows, columns = math.prod(variable.shape[:-1]), variable.shape[-1]
        steps = self.wrapper.power_iterations
        if self.settings.weights == "actual":
            kernel = np.asarray(keras.ops.convert_to_numpy(variable), np.float64).reshape(rows, columns)
            start = np.asarray(keras.ops.convert_to_numpy(self.wrapper.vector_u), np.float64)
            norm = _norm(kernel, start, steps)
            deviation = math.sqrt(np.mean(kernel**2)) / norm if norm > 0 else 0.0
        else:
            deviation = _deviation(rows, columns, steps)
        return Scale(variable, deviation, energy.fan_in)


@functools.lru_cache(maxsize=256)
def _deviation(rows: int, columns: int, steps: int) -> float:
    """Return the standard deviation of Gaussian entries at which the estimate is 1; of large matrices, by small ones.

    The largest singular value grows with the root of the size at a fixed ratio of the sides.
    """
    shrink = max(math.sqrt(rows * columns / _ENTRIES), 1.0)
    small = max(round(rows / shrink), 1), max(round(columns / shrink), 1)
    inverse = 0.0
    for number in range(_DRAWS):
        rng = generator(0, rows, columns, number)
        norm = _norm(rng.standard_normal(small), rng.standard_normal((1, small[1])), steps)
        inverse += norm**-2 / _DRAWS
    return float(math.sqrt(inverse / shrink))


def _norm(kernel: Array, start: Array, steps: int) -> float:
    """Return the layer's estimate of the largest singular value after ``steps`` power iterations."""
    u = start
    v = u @ kernel.T
    for _ in range(steps):
        v = u @ kernel.T
        v = v / max(float(np.linalg.norm(v)), 1e-12)
        u = v @ kernel
        u = u / max(float(np.linalg.norm(u)), 1e-12)
    return float((v @ kernel @ u.T).item())
