"""aten operations that draw numbers: what they put out is known exactly."""

from __future__ import annotations

import math

import numpy as np
from scipy import special

from gondwana.autoinit.moments.gaussian import Array
from gondwana.autoinit.signals.fields import Field
from gondwana.autoinit.signals.law import Part, Z, new_source
from gondwana.autoinit.signals.signal import Signal
from gondwana.autoinit.torch.calls import Call, rule


def _independent(call: Call, values: Array, mean: float, variance: float) -> Signal:
    """Return the signal of independent numbers; ``values`` is their quantile function of a standard Gaussian."""
    if not call.settings.exact:
        return Signal(mean, variance)
    part = Part(values, loadings={new_source(): 1.0})
    if math.prod(call.after()[:-1]) == 1:
        part = Part(values, part.rho.single(), part.loadings)
    return Field((part,)).signal()


@rule("aten.rand", "aten.rand_like")
def uniform(call: Call, *signals: Signal) -> Signal:
    """Uniform on [0, 1): the mask of stochastic depth is made of these."""
    return _independent(call, np.asarray(special.ndtr(Z)), 0.5, 1 / 12)


@rule("aten.randn", "aten.randn_like")
def normal(call: Call, *signals: Signal) -> Signal:
    """Standard Gaussians."""
    return _independent(call, Z, 0.0, 1.0)
