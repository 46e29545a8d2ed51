"""AutoInit++: activation functions with zero Gaussian mean, f - mu_f (Section 7 of the paper)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import keras
import numpy as np

from gondwana.autoinit.errors import AutoInitError, ModelError
from gondwana.autoinit.frontends.keras.chosen import LayerChoice, choose
from gondwana.autoinit.frontends.keras.functions import is_elementwise, numpy_activation
from gondwana.autoinit.frontends.keras.graph import Graph, functional_core, trace
from gondwana.autoinit.frontends.keras.rebuild import (
    copied_layer,
    has_activation,
    innermost,
    over_time,
    rebuilt,
)
from gondwana.autoinit.frontends.keras.saved_classes import Centered, CenteredActivation
from gondwana.autoinit.gradients.slopes import activation_of
from gondwana.autoinit.moments.gaussian import gaussian_moments
from gondwana.autoinit.registry import Call, has_rule, result_signals, rule_for
from gondwana.autoinit.signals.signal import Signal

Centering = Callable[[Any], Any]
_C = TypeVar("_C", bound=Centering)
_CENTERINGS: dict[type, Centering] = {}
_NEGLIGIBLE = 1e-12
_PROBE = np.linspace(-3.0, 3.0, 13)
_ACTIVATION_LAYERS = (
    keras.layers.ReLU,
    keras.layers.LeakyReLU,
    keras.layers.ELU,
    keras.layers.PReLU,
    keras.layers.Softmax,
)
"""Layers that are nothing but an activation, and have no ``activation`` argument."""


def centering(*kinds: type) -> Callable[[_C], _C]:
    """Register how layers of these classes are centred: a function from a layer to a centred copy of it.

    For activation layers that can subtract a constant themselves. The function must not change the layer that it gets
    and must keep its name. Other activation layers are wrapped in :class:`Centered`.

    Raises:
        AutoInitError: if a class is registered already.
    """

    def register(function: _C) -> _C:
        for kind in kinds:
            if kind in _CENTERINGS:
                raise AutoInitError(f"{kind.__name__} already has the centering {_CENTERINGS[kind].__name__}")
        _CENTERINGS.update(dict.fromkeys(kinds, function))
        return function

    return register


def centered(model: keras.Model, *, variance: float = 1.0, layers: LayerChoice | None = None) -> keras.Model:
    """Return a copy of ``model`` in which every hidden activation f is f - mu_f, with the same weights.

    mu_f is the mean of f under N(0, ``variance``), the paper's definition. The activations that feed an output with
    no weights in between are left alone, and so are those inside recurrent layers, those that are not elementwise, and
    those whose mean is 0 already. Frozen layers (``trainable=False``) compute what they have been trained to compute.
    Names, and the order of weights, stay as they are.

    Args:
        model: functional or Sequential model, possibly nested. It is not changed.
        variance: of the Gaussian.
        layers: which layers are changed; None for all that are trainable, see :func:`autoinit.plan`.

    Raises:
        ModelError: if the model is of another kind, which cannot be rebuilt.
        NotIntegrableError: if an activation has no Gaussian mean.
    """
    if functional_core(model) is None:
        raise ModelError(
            f"AutoInit++ has to rebuild the model, which works for functional and Sequential models only. "
            f"Received: {type(model).__name__} {model.name!r}"
        )
    outputs = _output_activations(trace(model, has_rule))
    choice = choose(model, layers)

    def clone(operation: Any) -> Any:
        if not isinstance(operation, keras.Layer):
            left = layers is not None or id(operation) in outputs
            return operation if left else _centered_operation(operation, variance)
        if id(operation) not in choice.layers:
            return copied_layer(operation)
        if isinstance(operation, keras.layers.TimeDistributed):
            return over_time(operation, clone)
        changed = None if id(operation) in outputs else _centered_layer(operation, variance)
        return changed if changed is not None else copied_layer(operation)

    return rebuilt(model, clone)


def _centered_layer(layer: keras.Layer, variance: float) -> keras.Layer | None:
    """Return a centred copy of ``layer``, or None if there is nothing to centre."""
    for kind in type(layer).__mro__:
        if kind in _CENTERINGS:
            return _CENTERINGS[kind](layer)
    if isinstance(layer, _ACTIVATION_LAYERS) and not isinstance(layer, keras.layers.Softmax):
        call = Call(layer, layer.name, (tuple(layer.input.shape),), (tuple(layer.output.shape),))
        mean = result_signals(rule_for(layer)(call, Signal(0.0, variance)))[0].mean
        return (
            Centered(copied_layer(layer), mean, name=layer.name, dtype=layer.dtype_policy)
            if abs(mean) > _NEGLIGIBLE
            else None
        )
    if isinstance(layer, keras.layers.RNN) or not has_activation(layer):
        return None
    function = layer.activation
    if not is_elementwise(function):
        return None
    mean = gaussian_moments(numpy_activation(function), 0.0, variance).mean
    if abs(mean) < _NEGLIGIBLE:
        return None
    copy = copied_layer(layer)
    copy.activation = CenteredActivation(function, mean)
    return copy


def _centered_operation(operation: Any, variance: float) -> Any:
    """Return an activation layer in place of a bare ``keras.ops.relu`` and the like; other operations as they are."""
    function = getattr(keras.activations, type(operation).__name__.lower(), None)
    own = activation_of(operation)
    if function is None or own is None:
        return operation
    mean = gaussian_moments(numpy_activation(function), 0.0, variance).mean
    plain = np.allclose(numpy_activation(function)(_PROBE), own(_PROBE), atol=1e-6)
    if abs(mean) < _NEGLIGIBLE or not plain:  # an operation with arguments of its own keeps its form
        return operation
    return keras.layers.Activation(CenteredActivation(function, mean), name=operation.name)


def _output_activations(graph: Graph) -> set[int]:
    """Return the ids of layers whose activation reaches an output with neither weights nor activations in between."""
    near = set(graph.outputs)
    found = set()
    for step in reversed(graph.steps):
        if near.isdisjoint(step.outputs):
            continue
        if _activates(step.operation):
            found.add(id(innermost(step.operation)))
        elif not getattr(step.operation, "weights", None):
            near.update(step.inputs)
    return found


def _activates(operation: Any) -> bool:
    layer = innermost(operation)
    if not isinstance(layer, keras.Layer):
        return activation_of(layer) is not None
    if isinstance(layer, _ACTIVATION_LAYERS) or any(kind in _CENTERINGS for kind in type(layer).__mro__):
        return True
    return has_activation(layer) and layer.activation is not keras.activations.linear
