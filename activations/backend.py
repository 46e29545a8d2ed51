"""Native operations and gradients of TensorFlow, JAX and torch.

The only file of this package that imports a backend. ``keras.ops`` lacks the exponentially scaled Bessel functions (and
``erfc`` in the oldest version that is supported), and gives float32 for float64 from ``tanh`` and ``arctan`` on JAX and
from ``maximum`` and ``minimum`` on torch.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from functools import cache
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

Tensor = Any
"""A tensor of the active Keras backend."""

_NATIVE = {
    "arctan": {"tensorflow": "tensorflow.math:atan", "jax": "jax.numpy:arctan", "torch": "torch:arctan"},
    "bessel_i0e": {
        "tensorflow": "tensorflow.math:bessel_i0e",
        "jax": "jax.lax:bessel_i0e",
        "torch": "torch.special:i0e",
    },
    "bessel_i1e": {
        "tensorflow": "tensorflow.math:bessel_i1e",
        "jax": "jax.lax:bessel_i1e",
        "torch": "torch.special:i1e",
    },
    "erfc": {
        "tensorflow": "tensorflow.math:erfc",
        "jax": "jax.scipy.special:erfc",
        "torch": "torch.special:erfc",
    },
    "maximum": {"tensorflow": "tensorflow:maximum", "jax": "jax.numpy:maximum", "torch": "torch:maximum"},
    "minimum": {"tensorflow": "tensorflow:minimum", "jax": "jax.numpy:minimum", "torch": "torch:minimum"},
    "tanh": {"tensorflow": "tensorflow:tanh", "jax": "jax.numpy:tanh", "torch": "torch:tanh"},
}


@cache
def _native(name: str, backend: str) -> Callable[..., Tensor]:
    if backend not in _NATIVE[name]:
        raise RuntimeError(
            f"{name} has no form for the Keras backend {backend!r}; "
            "set KERAS_BACKEND to 'tensorflow', 'jax' or 'torch'"
        )
    module, attribute = _NATIVE[name][backend].split(":")
    if module.startswith("tensorflow."):
        found: Any = getattr(importlib.import_module("tensorflow"), module.removeprefix("tensorflow."))
    else:
        found = importlib.import_module(module)
    return getattr(found, attribute)  # type: ignore[no-any-return]


def arctan(x: Tensor) -> Tensor:
    """Inverse tangent, elementwise."""
    return _native("arctan", keras.backend.backend())(x)


def bessel_i0e(x: Tensor) -> Tensor:
    """exp(-|x|) I0(x), elementwise."""
    return _native("bessel_i0e", keras.backend.backend())(x)


def bessel_i1e(x: Tensor) -> Tensor:
    """exp(-|x|) I1(x), elementwise."""
    return _native("bessel_i1e", keras.backend.backend())(x)


def erfc(x: Tensor) -> Tensor:
    """1 - erf(x) without the cancellation, elementwise."""
    return _native("erfc", keras.backend.backend())(x)


def maximum(a: Tensor, b: Tensor) -> Tensor:
    """The larger of two tensors of one dtype, elementwise."""
    return _native("maximum", keras.backend.backend())(a, b)


def minimum(a: Tensor, b: Tensor) -> Tensor:
    """The smaller of two tensors of one dtype, elementwise."""
    return _native("minimum", keras.backend.backend())(a, b)


def tanh(x: Tensor) -> Tensor:
    """Hyperbolic tangent, elementwise."""
    return _native("tanh", keras.backend.backend())(x)


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
    raise RuntimeError(f"gradients are not known for the Keras backend {keras.backend.backend()!r}")


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
