"""Keep what a user's layer draws from the global stream of the backend out of that stream."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import keras


def isolated(called: Callable[..., list[Any]], values: Sequence[Any], seed: int) -> list[Any]:
    """Call a function of tensors where the global stream of the backend is not touched.

    On TensorFlow it runs in a graph of its own, where ``tf.random`` leaves the eager stream alone.
    """
    backend = keras.backend.backend()
    if backend == "tensorflow":
        import tensorflow as tf

        tensors = [number for number, value in enumerate(values) if tf.is_tensor(value)]

        def traced(*given: Any) -> list[Any]:
            tf.compat.v1.set_random_seed(seed)  # of this graph alone
            filled = list(values)
            for number, tensor in zip(tensors, given, strict=True):
                filled[number] = tensor
            return called(*filled)

        given = [values[number] for number in tensors]
        return list(tf.function(traced, autograph=False).get_concrete_function(*given)(*given))
    if backend == "torch":
        import torch

        with torch.random.fork_rng():
            torch.manual_seed(seed)
            return called(*values)
    return called(*values)
