"""Random small convolutional networks like those that a search on MNIST meets (Table 1's ranges)."""

from __future__ import annotations

import keras
import numpy as np

from gondwana.tasks import TaskInfo

ACTIVATIONS = ("relu", "linear", "elu", "selu")


def random_network(info: TaskInfo, seed: int) -> keras.Model:
    """Return a random chain of convolutions with shortcuts, 16 to 64 filters, 3 to 8 blocks, pooled twice early."""
    rng = np.random.default_rng(seed)

    def conv(x: keras.KerasTensor, filters: int, size: int) -> keras.KerasTensor:
        init = keras.initializers.HeNormal(seed=int(rng.integers(2**31)))
        return keras.layers.Conv2D(filters, size, padding="same", kernel_initializer=init)(x)

    inputs = keras.Input(info.input_shape)
    x = inputs
    for block in range(int(rng.integers(3, 9))):
        filters, source = int(rng.integers(16, 65)), x
        x = conv(x, filters, int(rng.choice([1, 3])))
        x = keras.layers.Activation(str(rng.choice(ACTIVATIONS)))(x)
        if rng.random() < 0.5:
            x = keras.layers.Dropout(float(rng.uniform(0, 0.7)), seed=int(rng.integers(2**31)))(x)
        if rng.random() < 0.4:
            x = keras.layers.Add()([x, conv(source, filters, 1)])
        if block < 2 or rng.random() < 0.2:
            x = keras.layers.MaxPooling2D()(x) if min(x.shape[1:3]) > 3 else x
    init = keras.initializers.GlorotUniform(seed=int(rng.integers(2**31)))
    x = keras.layers.Flatten()(x)
    head = info.heads[0]
    outputs = keras.layers.Dense(
        head.units, activation=head.activation, kernel_initializer=init, name=head.name
    )(x)
    return keras.Model(inputs, outputs)
