"""Architectures by name."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any, Protocol, TypeVar

import keras
import numpy as np

from gondwana.tasks.base import TaskInfo
from gondwana.tasks.options import check_names, unknown_name

Activation = Callable[[str], keras.Layer]
"""Makes a fresh activation layer of the given layer name."""


class Builder(Protocol):
    """Keyword-only parameters beyond these four are the architecture's options, with defaults."""

    def __call__(
        self, info: TaskInfo, *, activation: Activation, seeds: Seeds, **options: Any
    ) -> keras.Model: ...


class Seeds:
    """An endless row of different seeds for initializers and dropout layers, all decided by one."""

    def __init__(self, seed: int) -> None:
        self._sequence = np.random.SeedSequence(seed)

    def __call__(self) -> int:
        """Return the next seed, 0 .. 2**31 - 1."""
        return int(self._sequence.spawn(1)[0].generate_state(1)[0]) >> 1

    def kernel(self) -> keras.initializers.Initializer:
        """Return a Glorot uniform initializer, Keras' default, with a seed of its own."""
        return keras.initializers.GlorotUniform(seed=self())


_BUILDERS: dict[str, Callable[..., keras.Model]] = {}
_COMMON = ("info", "activation", "seeds")

B = TypeVar("B", bound=Callable[..., keras.Model])


def register(name: str) -> Callable[[B], B]:
    """Decorator: make a :class:`Builder` available as ``build(name, ...)``.

    Raises:
        ValueError: if the name is taken.
    """

    def add(builder: B) -> B:
        if name in _BUILDERS:
            raise ValueError(f"architecture {name!r} is already registered by {_BUILDERS[name].__module__}")
        _BUILDERS[name] = builder
        return builder

    return add


def names() -> tuple[str, ...]:
    """Return the names of all architectures, sorted."""
    return tuple(sorted(_BUILDERS))


def build(name: str, info: TaskInfo, *, activation: Activation, seed: int, **options: Any) -> keras.Model:
    """Return a functional model of the architecture for a task, its weights drawn by seeded Glorot uniform.

    Args:
        name: one of :func:`names`.
        info: the task; gives input shape and heads.
        activation: makes each activation layer.
        seed: decides the weights and dropout masks.
        options: the architecture's own, see its builder.

    Raises:
        ValueError: if name or options are unknown, or the architecture does not fit the task's input.
    """
    if name not in _BUILDERS:
        raise ValueError(unknown_name("architecture", name, _BUILDERS))
    builder = _BUILDERS[name]
    valid = [p for p in inspect.signature(builder).parameters if p not in _COMMON]
    check_names(f"option of architecture {name!r}", options, valid)
    return builder(info, activation=activation, seeds=Seeds(seed), **options)


def image_input(name: str, info: TaskInfo, *, least: int) -> keras.KerasTensor:
    """Return the input of a network on images.

    Raises:
        ValueError: if the task's examples are not (height, width, channels) of at least ``least`` pixels a side.
    """
    shape = info.input_shape
    if len(shape) != 3 or min(shape[:2]) < least:
        raise ValueError(
            f"architecture {name!r} needs images (height, width, channels) of at least {least} x {least} pixels. "
            f"Received: task {info.name!r} with input shape {shape}"
        )
    return keras.Input(shape, dtype=info.input_dtype, name="input")


def dense_heads(features: keras.KerasTensor, info: TaskInfo, seeds: Seeds) -> list[keras.KerasTensor]:
    """Return one dense output layer per head, named after it, on shared features (batch, channels)."""
    return [
        keras.layers.Dense(
            head.units,
            activation=head.activation,
            kernel_initializer=seeds.kernel(),
            dtype="float32",
            name=head.name,
        )(features)
        for head in info.heads
    ]


def one_or_all(outputs: list[keras.KerasTensor]) -> Any:
    """Return the output itself if there is one, else the list: what ``keras.Model`` wants."""
    return outputs[0] if len(outputs) == 1 else outputs
