"""Dense layers, convolutions and embeddings with several draws of their weights, without a call of the layer for each.

A call of a Keras layer outside of a graph costs a few milliseconds, many times the arithmetic of a simulation.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np

from gondwana.autoinit.draws import Float32

layers = keras.layers

_CONVOLUTIONS = (layers.Conv1D, layers.Conv2D, layers.Conv3D)


def kernel_of(layer: Any) -> Any:
    """Return the variable that holds the kernel of a plain product, or None for any other layer.

    A plain product multiplies by its kernel (or looks up its rows), adds its bias, applies its activation function and
    does nothing else: no subclass, no LoRA, no quantization.
    """
    if (
        type(layer) not in (layers.Dense, layers.Embedding, *_CONVOLUTIONS)
        or layer.compute_dtype != "float32"
    ):
        return None
    if getattr(layer, "lora_enabled", False) or getattr(layer, "quantization_mode", None):
        return None
    if type(layer) is layers.Embedding:
        return layer.embeddings
    if type(layer) is layers.Dense or (layer.data_format == "channels_last" and layer.padding != "causal"):
        return layer.kernel
    return None


def product(layer: Any, values: Any, kernels: Sequence[Float32]) -> Any:
    """Return what a layer puts out if consecutive groups of examples meet different kernels.

    Args:
        layer: a plain product.
        values: tensor of the layer's input, its length a multiple of the number of kernels.
        kernels: one for each group, each of the shape of the layer's kernel.
    """
    if type(layer) is layers.Embedding:
        return _looked_up(values, kernels)
    made = _multiplied(values, kernels) if type(layer) is layers.Dense else _convolved(layer, values, kernels)
    if layer.bias is not None:
        made = keras.ops.add(made, layer.bias)
    return layer.activation(made)


def _looked_up(tokens: Any, kernels: Sequence[Float32]) -> Any:
    rows = len(tokens) // len(kernels)
    places = np.asarray(keras.ops.convert_to_numpy(tokens), np.int64)
    found = [kernel[places[number * rows :][:rows]] for number, kernel in enumerate(kernels)]
    return keras.ops.convert_to_tensor(np.concatenate(found))


def _multiplied(values: Any, kernels: Sequence[Float32]) -> Any:
    inner = values.shape[1:]
    wide = keras.ops.reshape(values, (len(kernels), -1, inner[-1]))
    made = keras.ops.matmul(wide, keras.ops.convert_to_tensor(np.stack(kernels)))
    return keras.ops.reshape(made, (len(values), *inner[:-1], made.shape[-1]))


def _convolved(layer: Any, values: Any, kernels: Sequence[Float32]) -> Any:
    rows = len(values) // len(kernels)
    pieces = [
        keras.ops.conv(
            values[number * rows :][:rows],
            keras.ops.convert_to_tensor(kernel),
            strides=layer.strides,
            padding=layer.padding,
            data_format="channels_last",
            dilation_rate=layer.dilation_rate,
        )
        for number, kernel in enumerate(kernels)
    ]
    return keras.ops.concatenate(pieces, axis=0)
