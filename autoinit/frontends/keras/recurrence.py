"""Recurrent layers, ConvLSTM among them, in NumPy: what they put out before training, without their cost per step.

A planner runs a recurrent layer on a few short sequences. An eager Keras step then costs a hundred times its
arithmetic, so that planning took several times as long as building. The equations are those of Keras
(``keras.layers.LSTMCell``, ``GRUCell``, ``SimpleRNNCell``, ``ConvLSTM2D``); a test compares the two. What is not known
here, such as a cell or an activation function of the user's, runs in Keras.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

import keras
import numpy as np

from gondwana.autoinit.draws import Float32
from gondwana.autoinit.frontends.keras.graph import values_of

layers = keras.layers
Function: TypeAlias = Callable[[Float32], Float32]
Step: TypeAlias = Callable[[Float32, list[Float32]], list[Float32]]
"""From what the input adds to the gates (batch, gates) and the states to the next states; the first is the output."""

_FUNCTIONS: dict[Any, Function] = {
    keras.activations.tanh: np.tanh,
    keras.activations.sigmoid: lambda x: np.tanh(x * np.float32(0.5)) * np.float32(0.5) + np.float32(0.5),
    keras.activations.linear: lambda x: x,
    keras.activations.relu: lambda x: np.maximum(x, np.float32(0.0)),
    keras.activations.hard_sigmoid: lambda x: np.clip(x / np.float32(6.0) + np.float32(0.5), 0.0, 1.0),
    keras.activations.elu: lambda x: np.where(x > 0, x, np.expm1(np.minimum(x, 0))),
    keras.activations.softsign: lambda x: x / (1 + np.abs(x)),
}
_MERGES: dict[str, Callable[[Float32, Float32], Float32]] = {
    "concat": lambda x, y: np.concatenate([x, y], axis=-1),
    "sum": lambda x, y: x + y,
    "mul": lambda x, y: x * y,
    "ave": lambda x, y: (x + y) * np.float32(0.5),
}


def run_recurrent(
    layer: Any, sequence: Float32, states: Sequence[Float32] | None = None
) -> list[Float32] | None:
    """Return the outputs of a recurrent layer, as a flat list, or None where its kind or options are not known here.

    Args:
        layer: built layer.
        sequence: (batch, steps, features), or (batch, steps, *positions, channels) for convolutions.
        states: at the start, each of the shape of a step's output; zeros if not given.
    """
    if type(layer) is layers.Bidirectional:
        return _both_ways(layer, sequence) if states is None else None
    cell = _step_of(layer)
    if cell is None:
        return None
    step, drive, number = cell
    driven = drive(sequence[:, ::-1] if layer.go_backwards else sequence)
    if states is None:  # as many as the layer keeps, each of the shape of one gate
        *sizes, gates = driven.shape[2:]
        width = gates // _GATES[type(layer)]
        states = [np.zeros((len(sequence), *sizes, width), np.float32) for _ in range(number)]
    now = list(states)
    outputs = []
    for position in range(driven.shape[1]):
        now = step(driven[:, position], now)
        outputs.append(now[0])
    result = np.stack(outputs, axis=1) if layer.return_sequences else outputs[-1]
    return [result, *now] if layer.return_state else [result]


def _both_ways(layer: Any, sequence: Float32) -> list[Float32] | None:
    forward = run_recurrent(layer.forward_layer, sequence)
    backward = run_recurrent(layer.backward_layer, sequence)
    if forward is None or backward is None:
        return None
    last = backward[0][:, ::-1] if layer.return_sequences else backward[0]
    states = [*forward[1:], *backward[1:]]
    if layer.merge_mode is None:
        return [forward[0], last, *states]
    return [_MERGES[layer.merge_mode](forward[0], last), *states]


_Known: TypeAlias = tuple[Step, Function, int]
_GATES = {layers.SimpleRNN: 1, layers.GRU: 3} | dict.fromkeys(
    (layers.LSTM, layers.ConvLSTM1D, layers.ConvLSTM2D, layers.ConvLSTM3D), 4
)


def _step_of(layer: Any) -> _Known | None:
    """Return the step, what the whole sequence adds to the gates of each step, and the number of states."""
    kinds: dict[type, Callable[..., _Known]] = {
        layers.LSTM: _lstm,
        layers.GRU: _gru,
        layers.SimpleRNN: _simple,
        layers.ConvLSTM1D: _conv_lstm,
        layers.ConvLSTM2D: _conv_lstm,
        layers.ConvLSTM3D: _conv_lstm,
    }
    make = kinds.get(type(layer))
    plain = make is not None and layer.compute_dtype == "float32" and not layer.stateful
    plain = plain and getattr(layer, "data_format", "channels_last") == "channels_last"
    names = ("activation", "recurrent_activation")
    functions = [
        _FUNCTIONS.get(getattr(layer, name)) for name in names if getattr(layer, name, None) is not None
    ]
    if make is None or not plain or None in functions:
        return None
    return make(layer.cell, *functions)


def _weights(cell: Any) -> tuple[Float32, Float32, Float32]:
    """Return kernel, recurrent kernel and bias (zeros if there is none)."""
    kernel, recurrent = values_of(cell.kernel), values_of(cell.recurrent_kernel)
    bias = np.zeros(kernel.shape[-1], np.float32) if cell.bias is None else values_of(cell.bias)
    return kernel, recurrent, bias


def _affine(kernel: Float32, bias: Float32) -> Function:
    return lambda x: x @ kernel + bias


def _simple(cell: Any, activation: Function) -> _Known:
    """h' = f(W x + U h + b)."""
    kernel, recurrent, bias = _weights(cell)
    return lambda driven, states: [activation(driven + states[0] @ recurrent)], _affine(kernel, bias), 1


def _lstm(cell: Any, activation: Function, gate: Function) -> _Known:
    kernel, recurrent, bias = _weights(cell)
    return _with_carry(lambda hidden: hidden @ recurrent, activation, gate), _affine(kernel, bias), 2


def _conv_lstm(cell: Any, activation: Function, gate: Function) -> _Known:
    """The products of an LSTM are convolutions; that of the state keeps its size."""
    kernel, recurrent, bias = _weights(cell)

    def convolved(x: Float32, weights: Float32, **options: Any) -> Float32:
        found = keras.ops.conv(
            keras.ops.convert_to_tensor(x), keras.ops.convert_to_tensor(weights), **options
        )
        return np.asarray(keras.ops.convert_to_numpy(found), np.float32)

    def drive(sequence: Float32) -> Float32:
        folded = sequence.reshape(-1, *sequence.shape[2:])
        options = {"strides": cell.strides, "padding": cell.padding, "dilation_rate": cell.dilation_rate}
        found = convolved(folded, kernel, data_format="channels_last", **options) + bias
        return found.reshape(*sequence.shape[:2], *found.shape[1:])

    def push(hidden: Float32) -> Float32:
        return convolved(hidden, recurrent, padding="same", data_format="channels_last")

    return _with_carry(push, activation, gate), drive, 2


def _with_carry(push: Function, activation: Function, gate: Function) -> Step:
    """c' = f c + i g(...), h' = o g(c'), gates in the order input, forget, candidate, output."""

    def step(driven: Float32, states: list[Float32]) -> list[Float32]:
        hidden, carry = states
        i, f, c, o = np.split(driven + push(hidden), 4, axis=-1)
        carry = gate(f) * carry + gate(i) * activation(c)
        return [gate(o) * activation(carry), carry]

    return step


def _gru(cell: Any, activation: Function, gate: Function) -> _Known:
    """h' = z h + (1 - z) g(...), gates in the order update, reset, candidate; reset before or after the product."""
    kernel, recurrent, bias = _weights(cell)
    units, after = cell.units, cell.reset_after
    bias, inner = (bias[0], bias[1]) if bias.ndim == 2 else (bias, np.zeros_like(bias))
    one = np.float32(1.0)

    def step(driven: Float32, states: list[Float32]) -> list[Float32]:
        hidden = states[0]
        z, r, h = np.split(driven, 3, axis=-1)
        if after:
            pushed: Float32 = hidden @ recurrent + inner
            from_z, from_r, from_h = np.split(pushed, 3, axis=-1)
            update, reset = gate(z + from_z), gate(r + from_r)
            candidate = activation(h + reset * from_h)
        else:
            update = gate(z + hidden @ recurrent[:, :units])
            reset = gate(r + hidden @ recurrent[:, units : 2 * units])
            kept = np.asarray((reset * hidden) @ recurrent[:, 2 * units :], np.float32)
            candidate = activation(h + kept)
        return [update * hidden + (one - update) * candidate]

    return step, _affine(kernel, bias), 1
