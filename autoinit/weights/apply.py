"""Draw the weights of a plan into a model."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import keras

from gondwana.autoinit.draws import Float32, check_seed, draw, generator
from gondwana.autoinit.errors import ModelError
from gondwana.autoinit.planning import Plan, PlannedWeight

_WORKERS = 2
_AHEAD = 4
_WORTH_THREADS = 1_000_000


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
        AutoInitError: if the seed is not a whole number of at least 0.
    """
    check_seed(seed)
    weights = model.weights
    for planned in plan.weights:
        if planned.index >= len(weights) or tuple(weights[planned.index].shape) != planned.shape:
            raise ModelError(
                f"the plan for model {plan.model!r} does not fit model {model.name!r}: "
                f"weight {planned.index} ({planned.path}) should have shape {planned.shape}"
            )

    def drawn(planned: PlannedWeight) -> Float32:
        return draw(generator(seed, planned.index), planned.shape, planned.deviation, plan.distribution)

    if sum(math.prod(planned.shape) for planned in plan.weights) < _WORTH_THREADS:
        for planned in plan.weights:
            weights[planned.index].assign(drawn(planned))
        return model
    # The next weights are drawn while one is handed to the backend; at most a few are in memory twice.
    with ThreadPoolExecutor(_WORKERS) as pool:
        ahead: deque[tuple[PlannedWeight, Future[Float32]]] = deque()
        for planned in plan.weights:
            ahead.append((planned, pool.submit(drawn, planned)))
            if len(ahead) > _AHEAD:
                _assign(weights, *ahead.popleft())
        for pair in ahead:
            _assign(weights, *pair)
    return model


def _assign(weights: Sequence[Any], planned: PlannedWeight, values: Future[Float32]) -> None:
    weights[planned.index].assign(values.result())
