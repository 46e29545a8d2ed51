"""A network without classes of this project: their layers rewritten as ordinary Keras layers and operations.

Evolved activation functions become ``keras.ops`` with their trained parameters as constants, a weighted sum becomes
products and sums; everything else is Keras' own already. Constraints and regularizers of this project, which matter in
training only, are left out.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import keras
import numpy as np
from keras import layers, ops

from gondwana.activations.layer import GraphActivation
from gondwana.autoinit.frontends.keras.saved_classes import Centered, CenteredActivation, CenteredScale
from gondwana.nas.delivery.plain_functions import plain_activation
from gondwana.nas.searches.codeepneat.layers.weighted_sum import WeightedSum

Tensor = Any
LAST = (
    layers.Activation,
    layers.Dense,
    layers.EinsumDense,
    layers.Conv1D,
    layers.Conv2D,
    layers.Conv3D,
    layers.Conv1DTranspose,
    layers.Conv2DTranspose,
    layers.Conv3DTranspose,
    layers.DepthwiseConv1D,
    layers.DepthwiseConv2D,
    layers.SeparableConv1D,
    layers.SeparableConv2D,
)
"""Layers that apply their activation function last, so that it can stand behind them."""
MARKS = (
    "__keras_tensor__",
    "__tensor__",
    "__numpy__",
    "__bytes__",
    "__ellipsis__",
    "__slice__",
    "__typespec__",
)
"""Names that Keras writes in the place of a class for values."""
REWRITTEN = (GraphActivation, WeightedSum, Centered)


class NotPlainError(ValueError):
    """A network holds a class that cannot be rewritten."""


def plain(model: keras.Model) -> keras.Model:
    """Return a network that computes the same and can be loaded without this project.

    Raises:
        NotPlainError: if it holds a class of somebody else's, or is no functional network.
    """
    try:
        chain = isinstance(model, keras.Sequential)
        inputs, result = (model.inputs, model.outputs[0]) if chain else (model.input, model.output)
        functional = keras.Model(inputs, result, name=model.name)
    except (AttributeError, ValueError) as error:
        raise NotPlainError(f"{model.name} is no network of layers with known inputs: {error}") from error
    pairs: list[tuple[keras.Layer, keras.Layer]] = []

    def clone(layer: keras.Layer) -> keras.Layer:
        if isinstance(layer, keras.Model):
            return plain(layer)
        if isinstance(layer, REWRITTEN) or not isinstance(layer, keras.Layer):
            return layer
        copy = _copied(layer)
        pairs.append((layer, copy))
        return copy

    originals = {layer.name: layer for layer in functional.layers}

    def call(layer: Any, *arguments: Any, **options: Any) -> Tensor:
        if isinstance(layer, REWRITTEN):
            return _rewritten(layer, arguments[0])
        result = layer(*arguments, **options)
        activation = getattr(originals.get(getattr(layer, "name", "")), "activation", None)
        return _activated(activation, result) if _is_ours(activation) else result

    clean = keras.models.clone_model(functional, clone_function=clone, call_function=call)
    for old, new in pairs:
        new.set_weights(old.get_weights())
    unknown = sorted(set(_foreign(clean.get_config())))
    if unknown:
        raise NotPlainError(
            f"the network holds {', '.join(unknown)}, which Keras does not have; only layers of this project are "
            "rewritten. Export it without --plain"
        )
    return clean


def is_plain(model: keras.Model) -> bool:
    """Return whether a network holds no class but Keras' own."""
    return not any(True for _ in _foreign(model.get_config()))


def _copied(layer: keras.Layer) -> keras.Layer:
    """Return a layer of the same config, without classes of this project."""
    config = dict(layer.get_config())
    for key, value in config.items():
        if isinstance(value, Mapping) and any(True for _ in _foreign(value)):
            part = getattr(layer, key, None)
            if isinstance(part, CenteredScale):
                config[key] = None
            elif key == "activation" and _is_ours(part) and isinstance(layer, LAST):
                config[key] = "linear"
    return layer.__class__.from_config(config)


def _is_ours(activation: Any) -> bool:
    return isinstance(activation, CenteredActivation | GraphActivation)


def _rewritten(layer: keras.Layer, inputs: Any) -> Tensor:
    if isinstance(layer, GraphActivation):
        return plain_activation(layer, inputs)
    if isinstance(layer, Centered):
        inner = layer.layer
        value = _rewritten(inner, inputs) if isinstance(inner, REWRITTEN) else _copied(inner)(inputs)
        return ops.subtract(value, layer.mean)
    return _weighted_sum(layer, inputs)


def _weighted_sum(layer: WeightedSum, inputs: Any) -> Tensor:
    scores = ops.convert_to_numpy(layer.scores).astype(np.float64)
    shares = np.exp(scores - scores.max())
    shares /= shares.sum()
    parts = [ops.multiply(tensor, float(share)) for tensor, share in zip(inputs, shares, strict=True)]
    return layers.Add()(parts)


def _activated(activation: Any, value: Tensor) -> Tensor:
    """Apply an activation function of this project to what a layer without it gives."""
    if isinstance(activation, GraphActivation):
        return plain_activation(activation, value)
    if isinstance(activation, CenteredActivation):
        return ops.subtract(_activated(activation.activation, value), activation.mean)
    return layers.Activation(activation)(value)


def _foreign(config: Any) -> Iterator[str]:
    """Yield the names of the classes in a config that are not Keras' own."""
    if isinstance(config, Mapping):
        module, name = config.get("module"), config.get("class_name")
        # what Keras itself saves has a module "keras..." or "builtins"; a registered class has none
        known = str(module or "").startswith(("keras", "builtins")) or name in MARKS
        if name is not None and "config" in config and not known:
            yield str(config.get("registered_name") or name)
        for value in config.values():
            yield from _foreign(value)
    elif isinstance(config, list | tuple):
        for value in config:
            yield from _foreign(value)
