"""Recurrent layers: left as their own initializers make them; the output is estimated by seeded simulation.

The paper (Appendix A, recurrent layers) does the same. Their gates confine the hidden state whatever comes in.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import keras
import numpy as np

from gondwana.autoinit.draws import Float32
from gondwana.autoinit.registry import Call, rule
from gondwana.autoinit.rules.elementwise import measured
from gondwana.autoinit.rules.pooling import UNKNOWN_SIZE
from gondwana.autoinit.signals.signal import Signal

layers = keras.layers

RECURRENT = (
    layers.SimpleRNN,
    layers.GRU,
    layers.LSTM,
    layers.RNN,
    layers.Bidirectional,
    layers.ConvLSTM1D,
    layers.ConvLSTM2D,
    layers.ConvLSTM3D,
)


@rule(*RECURRENT)
def recurrent(call: Call, x: Signal, *states: Signal) -> Signal | tuple[Signal, ...]:
    """Run the layer, with the weights that it has, on Gaussian sequences like those that come in."""
    signals = [
        _signal(np.asarray(keras.ops.convert_to_numpy(output), np.float64), call)
        for output in recurrent_output(call.layer, sequences(call, x))
    ]
    return signals[0] if len(signals) == 1 else tuple(signals)


def sequences(call: Call, x: Signal) -> Float32:
    """Return Gaussian inputs of the incoming mean and variance.

    In the ``exact`` propagation the positions of a channel are correlated as they are in the signal.
    """
    shape = tuple(size or UNKNOWN_SIZE for size in call.input_shapes[0][1:])
    batch = call.input_shapes[0][0] or int(np.clip(call.settings.samples // int(np.prod(shape)), 8, 256))
    rng = np.random.default_rng(call.settings.seed)
    alone = rng.normal(0.0, 1.0, (batch, *shape))
    common = max(x.covariance, 0.0) if call.settings.exact else 0.0
    values = x.mean + (x.variance - common) ** 0.5 * alone
    if common:
        shared = rng.normal(0.0, 1.0, (batch, *(1 for _ in shape[:-1]), shape[-1]))
        values = values + common**0.5 * shared
    return np.asarray(values, np.float32)


def recurrent_output(layer: Any, sequence: Float32) -> list[Any]:
    """Return the outputs of a recurrent layer, whose state stays as it was."""
    with _states_kept(layer):
        return list(keras.tree.flatten(layer.call(keras.ops.convert_to_tensor(sequence), training=False)))


def _signal(values: Any, call: Call) -> Signal:
    """Return the signal of simulated values of shape (batch, positions..., channels)."""
    flat = measured(values)
    if not call.settings.exact or values.ndim < 3:
        return Signal(flat.mean, flat.variance, flat.variance if call.settings.exact else 0.0)
    rows = values.reshape(len(values), -1, values.shape[-1]) - flat.mean
    count = rows.shape[1]
    pairs = np.square(rows.sum(axis=1)) - np.square(rows).sum(axis=1)
    covariance = float(f"{pairs.mean() / max(count * (count - 1), 1):.4g}")
    return Signal(flat.mean, flat.variance, min(max(covariance, 0.0), flat.variance))


@contextmanager
def _states_kept(layer: Any) -> Iterator[None]:
    """Put back the variables that a stateful layer changes when it runs."""
    before = [variable.numpy() for variable in layer.non_trainable_variables]
    try:
        yield
    finally:
        for variable, value in zip(layer.non_trainable_variables, before, strict=True):
            variable.assign(value)
