"""Weight penalties that belong to the recipe rather than to the network."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import keras
from keras import ops

from gondwana.tasks.training.recipe import Recipe


@contextmanager
def weight_penalties(
    model: keras.Model, recipe: Recipe, optimizer: keras.optimizers.Optimizer
) -> Iterator[None]:
    """Within the context, ``model.losses`` holds the recipe's penalties beside those of the layers.

    They are put on the weights as Keras regularizers, which every backend's training step adds to the loss. Afterwards
    the weights have their own regularizers again.
    """
    originals = [(weight, weight.regularizer) for weight in model.trainable_variables]
    for weight, own in originals:
        decay = recipe.weight_decay if weight.name.endswith("kernel") else 0.0
        if decay or (own is not None and recipe.scale_penalties):
            scale = (lambda: optimizer.learning_rate) if recipe.scale_penalties else None
            weight.regularizer = _Penalty(own, decay, scale)
    try:
        yield
    finally:
        for weight, own in originals:
            weight.regularizer = own


class _Penalty(keras.regularizers.Regularizer):  # type: ignore[misc]
    """A weight's own regularizer plus ``decay * sum(w**2)``, times a scale that is read at every step."""

    def __init__(
        self, own: Callable[[Any], Any] | None, decay: float, scale: Callable[[], Any] | None
    ) -> None:
        self._own, self._decay, self._scale = own, decay, scale

    def __call__(self, x: Any) -> Any:
        penalty = self._decay * ops.sum(ops.square(x)) if self._decay else 0.0
        if self._own is not None:
            penalty = penalty + self._own(x)
        return penalty if self._scale is None else penalty * ops.cast(self._scale(), "float32")
