"""The classes that a saved model may hold: activations minus their mean, weights that keep their scale.

Importing this file registers them with Keras, under the names that models of version 0.1 have. It imports nothing but
Keras, so that it can be imported the moment that Keras is (``registration.py``).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras


@keras.saving.register_keras_serializable("autoinit")
class CenteredActivation:
    """The function ``x -> activation(x) - mean``, usable as ``activation=`` of any layer.

    Args:
        activation: elementwise activation, as Keras layers take it.
        mean: constant to subtract; None means the Gaussian mean of ``activation`` under N(0, 1).
    """

    def __init__(self, activation: Any, mean: float | None = None) -> None:
        self.activation = keras.activations.get(activation)
        self.mean = _gaussian_mean(self.activation) if mean is None else float(mean)

    def __call__(self, x: Any) -> Any:
        """Evaluate on a tensor."""
        return self.activation(x) - self.mean

    def get_config(self) -> dict[str, Any]:
        """Return the arguments of the constructor."""
        return {"activation": keras.activations.serialize(self.activation), "mean": self.mean}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> CenteredActivation:
        """Inverse of :meth:`get_config`."""
        return cls(keras.activations.deserialize(config["activation"]), config["mean"])


def _gaussian_mean(activation: Any) -> float:
    # Here and not above: these modules import Keras, and may be what this file is imported in the middle of.
    from gondwana.autoinit.frontends.keras.functions import numpy_activation
    from gondwana.autoinit.moments.gaussian import gaussian_moments

    return gaussian_moments(numpy_activation(activation)).mean


@keras.saving.register_keras_serializable("autoinit")
class Centered(keras.layers.Wrapper):  # type: ignore[misc]
    """The layer ``x -> layer(x) - mean`` around an activation layer.

    Args:
        layer: activation layer.
        mean: constant to subtract.
    """

    def __init__(self, layer: keras.Layer, mean: float, **keywords: Any) -> None:
        super().__init__(layer, **keywords)
        self.mean = float(mean)

    def call(self, inputs: Any) -> Any:
        """Apply the layer and subtract."""
        return self.layer(inputs) - self.mean

    def compute_output_shape(self, input_shape: Any) -> Any:
        """Return the shape of the layer's output."""
        return self.layer.compute_output_shape(input_shape)

    def get_config(self) -> dict[str, Any]:
        """Return the arguments of the constructor."""
        return {**super().get_config(), "mean": self.mean}


@keras.saving.register_keras_serializable("autoinit")
class CenteredScale(keras.constraints.Constraint):  # type: ignore[misc]
    """Over the inputs of each output: mean 0 and root mean square ``deviation``.

    Args:
        deviation: standard deviation that AutoInit planned for the weight.
        axes: axes of the inputs.
    """

    def __init__(self, deviation: float, axes: Sequence[int]) -> None:
        self.deviation = float(deviation)
        self.axes = tuple(axes)

    def __call__(self, w: Any) -> Any:
        """Return the constrained weights; those that are all equal become 0."""
        centred = w - keras.ops.mean(w, axis=self.axes, keepdims=True)
        square = keras.ops.mean(keras.ops.square(centred), axis=self.axes, keepdims=True)
        return self.deviation * centred / keras.ops.sqrt(square + keras.config.epsilon() * self.deviation**2)

    def get_config(self) -> dict[str, Any]:
        """Return the arguments of the constructor."""
        return {"deviation": self.deviation, "axes": list(self.axes)}
