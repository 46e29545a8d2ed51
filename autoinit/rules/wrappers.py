"""Layers around layers."""

from __future__ import annotations

from dataclasses import replace

import keras

from gondwana.autoinit.frontends.keras.folding import Folded, Unfolded
from gondwana.autoinit.registry import Call, Result, rule, rule_for
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
