"""Recurrent layers: left as their own initializers make them; the output is estimated by seeded simulation.

The paper (Appendix A, recurrent layers) does the same. Their gates confine the hidden state whatever comes in.
"""

from __future__ import annotations

from typing import Any

import keras
import numpy as np

from gondwana.autoinit.draws import Float32
from gondwana.autoinit.frontends.keras.recurrence import run_recurrent
from gondwana.autoinit.frontends.keras.running import is_users, run
from gondwana.autoinit.registry import Call, rule
from gondwana.autoinit.rules.pooling import UNKNOWN_SIZE
from gondwana.autoinit.signals.samples import measured_signal
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
        measured_signal(np.asarray(keras.ops.convert_to_numpy(output), np.float64), exact=call.settings.exact)
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


def recurrent_output(layer: Any, sequence: Any, states: Any = None) -> list[Any]:
    """Return the outputs of a recurrent layer, whose state stays as it was.

    Args:
        layer: built layer.
        sequence: (batch, steps, ...), array or tensor.
        states: at the start, a list, if they are not zeros.
    """
    given = None if states is None else [_array(state) for state in keras.tree.flatten(states)]
    known = run_recurrent(layer, _array(sequence), given)
    if known is not None:
        return list(known)
    tensor = keras.ops.convert_to_tensor(sequence)
    keywords = {} if states is None else {"initial_state": states}
    if layer.non_trainable_variables or is_users(layer):
        return run(layer, [tensor], keywords, training=False)
    return list(keras.tree.flatten(layer.call(tensor, training=False, **keywords)))


def _array(tensor: Any) -> Float32:
    return np.asarray(keras.ops.convert_to_numpy(tensor), np.float32)
