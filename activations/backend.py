"""The operators that ``keras.ops`` lacks, and gradients, on TensorFlow, JAX and torch.

The only file of this package that imports a backend. Missing in ``keras.ops``: the exponentially scaled Bessel
functions (all versions) and ``erfc`` (before Keras 3.14).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

Tensor = Any
"""A tensor of the active Keras backend."""


def _unsupported(name: str) -> RuntimeError:
    return RuntimeError(
        f"{name} has no form for the Keras backend {keras.backend.backend()!r}; "
        "set KERAS_BACKEND to 'tensorflow', 'jax' or 'torch'"
    )


def bessel_i0e(x: Tensor) -> Tensor:
    """exp(-|x|) I0(x), elementwise."""
    match keras.backend.backend():
        case "tensorflow":
            import tensorflow as tf

            return tf.math.bessel_i0e(x)
        case "jax":
            import jax

            return jax.lax.bessel_i0e(x)
        case "torch":
            import torch

            return torch.special.i0e(x)
    raise _unsupported("bessel_i0e")


def bessel_i1e(x: Tensor) -> Tensor:
    """exp(-|x|) I1(x), elementwise."""
    match keras.backend.backend():
        case "tensorflow":
            import tensorflow as tf

            return tf.math.bessel_i1e(x)
        case "jax":
            import jax

            return jax.lax.bessel_i1e(x)
        case "torch":
            import torch

            return torch.special.i1e(x)
    raise _unsupported("bessel_i1e")


def erfc(x: Tensor) -> Tensor:
    """1 - erf(x) without the cancellation, elementwise."""
    match keras.backend.backend():
        case "tensorflow":
            import tensorflow as tf

            return tf.math.erfc(x)
        case "jax":
            import jax

            return jax.scipy.special.erfc(x)
        case "torch":
            import torch

            return torch.special.erfc(x)
    raise _unsupported("erfc")


def value_and_gradients(
    function: Callable[..., Tensor], *inputs: NDArray[Any]
) -> tuple[NDArray[Any], tuple[NDArray[Any], ...]]:
    """Return ``function(*inputs)`` and the gradient of its sum with respect to each input.

    An input that the function ignores gets a gradient of zeros.
    """
    match keras.backend.backend():
        case "tensorflow":
            return _tensorflow_gradients(function, inputs)
        case "jax":
            import jax

            def total(*args: Tensor) -> Tensor:
                value = function(*args)
                return value.sum(), value

            gradient = jax.value_and_grad(total, argnums=tuple(range(len(inputs))), has_aux=True)
            (_, value), slopes = gradient(*(jax.numpy.asarray(x) for x in inputs))
            return np.asarray(value), tuple(np.asarray(slope) for slope in slopes)
        case "torch":
            return _torch_gradients(function, inputs)
    raise _unsupported("value_and_gradients")


def _tensorflow_gradients(
    function: Callable[..., Tensor], inputs: tuple[NDArray[Any], ...]
) -> tuple[NDArray[Any], tuple[NDArray[Any], ...]]:
    import tensorflow as tf

    tensors = [tf.convert_to_tensor(x) for x in inputs]
    with tf.GradientTape() as tape:
        tape.watch(tensors)
        value = function(*tensors)
    slopes = tape.gradient(value, tensors, unconnected_gradients=tf.UnconnectedGradients.ZERO)
    return np.asarray(value), tuple(np.asarray(slope) for slope in slopes)


def _torch_gradients(
    function: Callable[..., Tensor], inputs: tuple[NDArray[Any], ...]
) -> tuple[NDArray[Any], tuple[NDArray[Any], ...]]:
    import torch

    tensors = [torch.tensor(x, requires_grad=True) for x in inputs]
    value = function(*tensors)
    if not value.requires_grad:
        return value.numpy(), tuple(np.zeros_like(x) for x in inputs)
    slopes = torch.autograd.grad(value.sum(), tensors, allow_unused=True)
    return value.detach().numpy(), tuple(
        np.zeros_like(x) if slope is None else slope.numpy() for x, slope in zip(inputs, slopes, strict=True)
    )
