"""Layers around layers."""

from __future__ import annotations

from dataclasses import replace

import keras

from autoinit.registry import Call, Result, rule, rule_for
from autoinit.signal import Signal

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
