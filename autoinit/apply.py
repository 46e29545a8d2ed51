"""Draw the weights of a plan into a model."""

from __future__ import annotations

import keras

from autoinit.draws import draw, generator
from autoinit.errors import ModelError
from autoinit.plan import Plan


def apply(plan: Plan, model: keras.Model, *, seed: int) -> keras.Model:
    """Draw the planned weights of ``model`` in place and return it. Nothing else in it changes.

    The stream of each weight depends on the seed and on the weight's place in ``model.weights`` alone; values are
    drawn with NumPy, so every backend gets the same.

    Args:
        plan: made by :func:`autoinit.plan` for this model or one of the same architecture.
        model: to be initialized.
        seed: of the weights.

    Raises:
        ModelError: if the plan does not fit the model. Nothing has been changed then.
    """
    weights = model.weights
    for planned in plan.weights:
        if planned.index >= len(weights) or tuple(weights[planned.index].shape) != planned.shape:
            raise ModelError(
                f"the plan for model {plan.model!r} does not fit model {model.name!r}: "
                f"weight {planned.index} ({planned.path}) should have shape {planned.shape}"
            )
    for planned in plan.weights:
        rng = generator(seed, planned.index)
        weights[planned.index].assign(draw(rng, planned.shape, planned.deviation, plan.distribution))
    return model
