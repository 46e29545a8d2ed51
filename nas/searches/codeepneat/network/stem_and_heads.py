"""The fixed parts of every network: what is not in a module and does not evolve by itself."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras

from gondwana.nas.searches.codeepneat.network.steps import Step

Part = Callable[[Step, int], keras.layers.Layer]


def _embedding(step: Step, seed: int) -> keras.layers.Layer:
    initializer = keras.initializers.RandomUniform(-0.05, 0.05, seed=seed)
    return keras.layers.Embedding(
        step.genes["vocabulary"], step.genes["units"], embeddings_initializer=initializer, name=step.name
    )


def _projection(step: Step, seed: int) -> keras.layers.Layer:
    """A convolution of width 1 on maps and sequences, a dense layer on vectors; linear in both cases."""
    initializer = keras.initializers.GlorotUniform(seed=seed)
    width = step.genes["filters"]
    if len(step.shape) == 1:
        return keras.layers.Dense(width, kernel_initializer=initializer, name=step.name)
    kind = keras.layers.Conv1D if len(step.shape) == 2 else keras.layers.Conv2D
    return kind(width, 1, kernel_initializer=initializer, name=step.name)


def _pool(step: Step, seed: int) -> keras.layers.Layer:
    kind = keras.layers.MaxPooling1D if len(step.shape) == 2 else keras.layers.MaxPooling2D
    size: Any = step.genes["pool_size"]
    strides: Any = step.genes["strides"]
    if len(step.shape) == 2:
        size, strides = size[0], strides[0]
    return kind(size, strides=strides, name=step.name)


def _function(step: Step, seed: int) -> keras.layers.Layer:
    from gondwana.activations import GraphActivation

    return GraphActivation(step.genes["text"], name=step.layer)


def _flatten(step: Step, seed: int) -> keras.layers.Layer:
    return keras.layers.Flatten(name=step.name)


def _global_average(step: Step, seed: int) -> keras.layers.Layer:
    kind = (
        keras.layers.GlobalAveragePooling1D
        if step.genes["rank"] == 2
        else keras.layers.GlobalAveragePooling2D
    )
    return kind(name=step.name)


def _global_maximum(step: Step, seed: int) -> keras.layers.Layer:
    kind = keras.layers.GlobalMaxPooling1D if step.genes["rank"] == 2 else keras.layers.GlobalMaxPooling2D
    return kind(name=step.name)


def _head(step: Step, seed: int) -> keras.layers.Layer:
    initializer = keras.initializers.GlorotUniform(seed=seed)
    return keras.layers.Dense(
        step.shape[0], activation=step.genes["activation"], kernel_initializer=initializer, name=step.name
    )


PARTS: dict[str, Part] = {
    "Embedding": _embedding,
    "Projection": _projection,
    "Pool": _pool,
    "Function": _function,
    "Flatten": _flatten,
    "GlobalAverage": _global_average,
    "GlobalMaximum": _global_maximum,
    "Head": _head,
}
"""Maker of each fixed part (the input apart, which is no layer), by the kind of its step."""
