"""Native operations and gradients of TensorFlow, JAX and torch.

The only file of this package that imports a backend. ``keras.ops`` lacks the exponentially scaled Bessel functions (and
``erfc`` in the oldest version that is supported), and gives float32 for float64 from ``tanh`` and ``arctan`` on JAX and
from ``maximum`` and ``minimum`` on torch.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

Tensor = Any
"""A tensor of the active Keras backend."""

_NATIVE = {
    "arctan": {"tensorflow": "tensorflow:atan", "jax": "jax.numpy:arctan", "torch": "torch:arctan"},
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


def _native(name: str) -> Callable[..., Tensor]:
    """Return the function of the active backend; looked up once, which keeps it visible to torch.compile."""
    backend = keras.backend.backend()
    if backend not in _NATIVE[name]:
        return _missing(name, backend)
    module, attribute = _NATIVE[name][backend].split(":")
    found: Callable[..., Tensor] = getattr(importlib.import_module(module), attribute)
    return found


def _missing(name: str, backend: str) -> Callable[..., Tensor]:
    def refuse(*arguments: Tensor) -> Tensor:
        raise RuntimeError(
            f"{name} has no form for the Keras backend {backend!r}; "
            "set KERAS_BACKEND to 'tensorflow', 'jax' or 'torch'"
        )

    return refuse


arctan = _native("arctan")
"""Inverse tangent, elementwise."""
bessel_i0e = _native("bessel_i0e")
"""exp(-|x|) I0(x), elementwise."""
bessel_i1e = _native("bessel_i1e")
"""exp(-|x|) I1(x), elementwise."""
erfc = _native("erfc")
"""1 - erf(x) without the cancellation, elementwise."""
maximum = _native("maximum")
"""The larger of two tensors of one dtype, elementwise."""
minimum = _native("minimum")
"""The smaller of two tensors of one dtype, elementwise."""
tanh = _native("tanh")
"""Hyperbolic tangent, elementwise."""


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
