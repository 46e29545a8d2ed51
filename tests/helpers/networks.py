"""Small networks for tests of training."""

from __future__ import annotations

import keras
import numpy as np

from gondwana import tasks


def relu(name: str) -> keras.Layer:
    return keras.layers.ReLU(name=name)


def dense_network(
    info: tasks.TaskInfo, seed: int = 0, *, dropout: float = 0.0, **options: object
) -> keras.Model:
    """A two-layer network on flattened input; ``options`` go to the hidden layer."""
    inputs = keras.Input(info.input_shape)
    x = keras.layers.Flatten()(inputs)
    init = keras.initializers.GlorotUniform(seed=seed)
    x = keras.layers.Dense(16, activation="tanh", kernel_initializer=init, **options)(x)
    if dropout:
        x = keras.layers.Dropout(dropout, seed=7)(x)
    outputs = [
        keras.layers.Dense(
            head.units,
            activation=head.activation,
            name=head.name,
            kernel_initializer=keras.initializers.GlorotUniform(seed=seed + 1 + i),
        )(x)
        for i, head in enumerate(info.heads)
    ]
    return keras.Model(inputs, outputs[0] if len(outputs) == 1 else outputs)


def same_weights(one: keras.Model, other: keras.Model) -> bool:
    return all(np.array_equal(a, b) for a, b in zip(one.get_weights(), other.get_weights(), strict=True))
