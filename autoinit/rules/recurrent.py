"""Recurrent layers: left as their own initializers make them; the output is estimated by seeded simulation.

The paper (Appendix A, recurrent layers) does the same. Their gates confine the hidden state whatever comes in.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import keras
import numpy as np

from autoinit.elementwise import measured
from autoinit.registry import Call, rule
from autoinit.rules.pooling import UNKNOWN_SIZE
from autoinit.signal import Signal

layers = keras.layers


@rule(
    layers.SimpleRNN,
    layers.GRU,
    layers.LSTM,
    layers.RNN,
    layers.Bidirectional,
    layers.ConvLSTM1D,
    layers.ConvLSTM2D,
    layers.ConvLSTM3D,
)
def recurrent(call: Call, x: Signal, *states: Signal) -> Signal | tuple[Signal, ...]:
    """Run the layer, with the weights that it has, on Gaussian sequences of the incoming mean and variance."""
    shape = tuple(size or UNKNOWN_SIZE for size in call.input_shapes[0][1:])
    batch = call.input_shapes[0][0] or int(np.clip(call.settings.samples // int(np.prod(shape)), 8, 256))
    rng = np.random.default_rng(call.settings.seed)
    sequence = rng.normal(x.mean, x.variance**0.5, (batch, *shape)).astype(np.float32)
    with _states_kept(call.layer):
        outputs = keras.tree.flatten(call.layer.call(keras.ops.convert_to_tensor(sequence), training=False))
    signals = [measured(np.asarray(keras.ops.convert_to_numpy(output), np.float64)) for output in outputs]
    return signals[0] if len(signals) == 1 else tuple(signals)


@contextmanager
def _states_kept(layer: Any) -> Iterator[None]:
    """Put back the variables that a stateful layer changes when it runs."""
    before = [keras.ops.convert_to_numpy(variable) for variable in layer.non_trainable_variables]
    try:
        yield
    finally:
        for variable, value in zip(layer.non_trainable_variables, before, strict=True):
            variable.assign(value)
