"""WeightedSum: a learned mixture of several tensors, for soft layer ordering.

Soft layer ordering (Meyerson and Miikkulainen, ICLR 2018) lets a network learn in which order and how strongly its
parts apply: what enters a place is a softmax-weighted sum of what could enter it.
"""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
from keras import ops

from gondwana import autoinit


@keras.saving.register_keras_serializable(package="gondwana")
class WeightedSum(keras.layers.Layer):  # type: ignore[misc]  # Keras has no types
    """Add tensors of one shape with trained weights, which are positive and sum to 1.

    The weights are the softmax of one score per input; the scores start at 0, so the layer starts as the mean.
    """

    def build(self, input_shape: Any) -> None:
        """Make one score per input.

        Raises:
            ValueError: if the inputs are not a list of at least two tensors of one shape.
        """
        shapes = {tuple(shape) for shape in input_shape}
        if not isinstance(input_shape[0], tuple | list) or len(input_shape) < 2 or len(shapes) > 1:
            raise ValueError(
                f"WeightedSum adds two or more tensors of one shape. Received: shapes {input_shape}"
            )
        self.scores = self.add_weight(shape=(len(input_shape),), initializer="zeros", name="scores")
        self.scores_initializer = keras.initializers.Zeros()

    def call(self, inputs: Any) -> Any:
        """Return the weighted sum."""
        weights = ops.softmax(self.scores)
        return sum(ops.cast(weights[i], tensor.dtype) * tensor for i, tensor in enumerate(inputs))

    def compute_output_shape(self, input_shape: Any) -> Any:
        """Return the shape of any input."""
        return tuple(input_shape[0])


@autoinit.rule(WeightedSum)
def weighted_sum(call: autoinit.Call, *signals: autoinit.Signal) -> autoinit.Signal:
    """A sum of scaled signals; the factors are the layer's present weights."""
    scores = np.asarray(ops.convert_to_numpy(call.layer.scores), dtype=float)
    weights = np.exp(scores - scores.max())
    weights /= weights.sum()
    scaled = [
        call.calculus.scale(signal, float(weight)) for signal, weight in zip(signals, weights, strict=True)
    ]
    return call.calculus.combine(scaled, "add")
