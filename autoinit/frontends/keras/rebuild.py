"""Copies of layers and of functional models, with some layers changed on the way."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import keras

from gondwana.autoinit.frontends.keras.graph import functional_core, producer


def rebuilt(model: keras.Model, clone: Callable[[Any], Any]) -> keras.Model:
    """Return a copy of a functional or Sequential model with the same weights, each layer made by ``clone``.

    Names stay, and so does the order of the weights. Nested models are rebuilt too.
    """
    # Keras would rename the input layers; a Sequential model keeps them.
    inputs = (
        None if isinstance(model, keras.Sequential) else keras.tree.map_structure(_same_input, model.input)
    )
    copy = keras.models.clone_model(model, input_tensors=inputs, clone_function=clone, recursive=True)
    copy.set_weights(model.get_weights())
    return copy


def copied_layer(operation: Any) -> Any:
    """Return a layer of the same configuration; functions that Keras cannot name are handed over as they are."""
    if not isinstance(operation, keras.Layer):
        return operation
    if isinstance(operation, keras.layers.TimeDistributed):
        return over_time(operation, copied_layer)
    config = _config(operation)
    if isinstance(operation, keras.layers.Lambda):
        return _copied_lambda(operation, config)
    if not has_activation(operation) or isinstance(config["activation"], str):
        return type(operation).from_config(config)
    if isinstance(operation, keras.layers.RNN):
        return type(operation).from_config(config)
    copy = type(operation).from_config({**config, "activation": "linear"})
    copy.activation = operation.activation
    return copy


def _copied_lambda(layer: Any, config: dict[str, Any]) -> Any:
    shape = config.get("output_shape")  # that of a function is found by calling it
    return type(layer)(
        layer.function,
        output_shape=shape if isinstance(shape, list | tuple) else None,
        mask=layer.mask,
        arguments=layer.arguments,
        name=layer.name,
        dtype=layer.dtype_policy,
    )


def over_time(layer: Any, clone: Callable[[Any], Any]) -> Any:
    """Return a ``TimeDistributed`` layer around a clone of the layer, or model, in ``layer``."""
    inner = layer.layer
    new = clone(inner) if functional_core(inner) is None else rebuilt(inner, clone)
    return type(layer)(new, name=layer.name, dtype=layer.dtype_policy)


def innermost(operation: Any) -> Any:
    """Return the layer that ``TimeDistributed`` applies; of any other operation, itself."""
    while isinstance(operation, keras.layers.TimeDistributed):
        operation = operation.layer
    return operation


def has_activation(layer: Any) -> bool:
    """Return whether a layer has an ``activation`` argument."""
    return callable(getattr(layer, "activation", None)) and "activation" in _config(layer)


def _config(layer: keras.Layer) -> dict[str, Any]:
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=r"(?s).*`lambda`")  # nothing is stored here
        return dict(layer.get_config())


def _same_input(tensor: Any) -> Any:
    return keras.Input(batch_shape=tensor.shape, dtype=tensor.dtype, name=producer(tensor).name)
