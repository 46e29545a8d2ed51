"""LSUV (Mishkin and Matas 2015, "All you need is a good init"): the data-dependent baseline.

Every kernel is drawn orthogonal, then, layer by layer from the input, divided by the standard deviation that the
layer's output has on a batch of data.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np

from gondwana.autoinit.diagnostics.calibration import without_activation
from gondwana.autoinit.diagnostics.measure import evaluate
from gondwana.autoinit.draws import check_seed, draw, generator
from gondwana.autoinit.errors import ModelError
from gondwana.autoinit.frontends.keras.chosen import LayerChoice
from gondwana.autoinit.frontends.keras.graph import trace
from gondwana.autoinit.planning import plan
from gondwana.autoinit.registry import has_rule

TOLERANCE = 0.1
"""How far from 1 a variance may be."""

MOST_STEPS = 10
"""How many corrections a layer gets at most."""


def lsuv(
    model: keras.Model, data: Sequence[Any], *, seed: int, layers: LayerChoice | None = None
) -> keras.Model:
    """Initialize the kernels of ``model`` in place by LSUV and return the model.

    Args:
        model: built model; every weight that AutoInit would draw is drawn.
        data: one array per input, a batch of examples.
        seed: of the orthogonal matrices.
        layers: which layers are drawn; None for all that are trainable, see :func:`autoinit.plan`.

    Raises:
        ModelError: if a layer puts out a constant on this data, or the model cannot be walked.
    """
    check_seed(seed)
    scaled = {
        planned.index: planned for planned in plan(model, on_unknown="passthrough", layers=layers).weights
    }
    weights = model.weights
    kernels = {id(weights[index]): index for index in scaled}
    for index, planned in scaled.items():
        weights[index].assign(draw(generator(seed, index), planned.shape, planned.deviation, "orthogonal"))
    graph = trace(model, has_rule)
    values = {index: keras.ops.convert_to_tensor(x) for index, x in zip(graph.inputs, data, strict=True)}
    done: set[int] = set()
    for step in graph.steps:
        own = [weight for weight in getattr(step.operation, "weights", []) if id(weight) in kernels]
        if own and id(step.operation) not in done:
            done.add(id(step.operation))
            with without_activation(step.operation):
                _correct(step, own[-1], values)
        outputs = keras.tree.flatten(evaluate(step, values, training=False))
        values.update(zip(step.outputs, outputs, strict=True))
    return model


def _correct(step: Any, kernel: Any, values: dict[int, Any]) -> None:
    for _ in range(MOST_STEPS):
        output = keras.tree.flatten(evaluate(step, values, training=False))[0]
        variance = float(keras.ops.var(keras.ops.cast(output, "float32")))
        if not np.isfinite(variance) or variance == 0:
            raise ModelError(
                f"LSUV needs a varying output. Received from layer {step.name!r}: variance={variance!r}"
            )
        if abs(variance - 1) < TOLERANCE:
            return
        kernel.assign(kernel / variance**0.5)
