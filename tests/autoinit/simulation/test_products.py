"""Products with several kernels at once against calls of the layer."""

import keras
import numpy as np
import pytest
from keras import layers

from gondwana.autoinit.simulation.products import kernel_of, product

CASES = [
    (layers.Dense(5, activation="tanh"), (6,)),
    (layers.Dense(5, use_bias=False), (3, 6)),
    (layers.Conv1D(4, 3, padding="same", dilation_rate=2), (9, 2)),
    (layers.Conv2D(4, 3, strides=2, activation="relu"), (9, 8, 2)),
    (layers.Conv2D(4, 3, groups=2), (7, 7, 4)),
    (layers.Conv3D(2, 2, activation="softmax"), (4, 4, 4, 2)),
]


@pytest.mark.parametrize(("layer", "shape"), CASES, ids=lambda value: getattr(value, "name", str(value)))
def test_each_group_meets_its_own_kernel(layer, shape):
    rng = np.random.default_rng(0)
    layer.build((None, *shape))
    if layer.use_bias:
        layer.bias.assign(rng.normal(size=layer.bias.shape))
    values = rng.normal(size=(12, *shape)).astype(np.float32)
    assert_groups(layer, values, [rng.normal(size=kernel_of(layer).shape) for _ in range(3)])


def test_each_group_of_tokens_meets_its_own_table():
    layer = layers.Embedding(7, 3)
    layer.build()
    rng = np.random.default_rng(0)
    assert_groups(layer, rng.integers(0, 7, (12, 4)), [rng.normal(size=(7, 3)) for _ in range(3)])


def assert_groups(layer: keras.Layer, values: np.ndarray, kernels: list[np.ndarray]) -> None:
    kernels = [kernel.astype(np.float32) for kernel in kernels]
    found = keras.ops.convert_to_numpy(product(layer, keras.ops.convert_to_tensor(values), kernels))
    for number, kernel in enumerate(kernels):
        kernel_of(layer).assign(kernel)
        expected = keras.ops.convert_to_numpy(layer(values[4 * number :][:4]))
        np.testing.assert_allclose(found[4 * number :][:4], expected, rtol=1e-4, atol=1e-5)


def adapted() -> keras.Layer:
    layer = layers.Dense(3)
    layer.build((None, 4))
    layer.enable_lora(2)
    return layer


@pytest.mark.parametrize(
    "layer",
    [
        layers.Conv1D(3, 2, padding="causal"),
        layers.Conv2D(3, 2, data_format="channels_first"),
        layers.Dense(3, dtype="mixed_float16"),
        layers.DepthwiseConv2D(3),
        type("Own", (layers.Dense,), {})(3),
        adapted(),
    ],
    ids=lambda layer: layer.name,
)
def test_what_does_more_than_multiply_is_called(layer):
    if not layer.built:
        layer.build((None, 8, 8, 3) if layer.name.startswith(("conv2d", "depthwise")) else (None, 4, 4))
    assert kernel_of(layer) is None
