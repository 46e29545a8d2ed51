"""Weights that keep their mean of 0 and their scale throughout training (``constrain_weights`` of AutoInit)."""

from __future__ import annotations

from typing import Any

import keras

from gondwana.autoinit.frontends.keras.saved_classes import CenteredScale
from gondwana.autoinit.planning import Plan
from gondwana.autoinit.weights.initializers import variables_with_initializers

_DEPTHWISE = (keras.layers.DepthwiseConv1D, keras.layers.DepthwiseConv2D)
_TRANSPOSED = (keras.layers.Conv1DTranspose, keras.layers.Conv2DTranspose, keras.layers.Conv3DTranspose)


def constrain(model: keras.Model, plan: Plan) -> None:
    """Give every planned weight of ``model`` its constraint, and apply it once.

    Weights whose outputs sum a single input, such as embeddings, have no mean to remove and are left alone.
    """
    weights = model.weights
    owners = variables_with_initializers(model)
    for planned in plan.weights:
        variable = weights[planned.index]
        layer = owners[planned.index][0] if planned.index in owners else None
        axes = _input_axes(layer, len(planned.shape))
        if planned.fan_in <= 1 or not axes:
            continue
        constraint = CenteredScale(planned.deviation, axes)
        variable.constraint = constraint
        for name in constraint_names(variable.name):
            if layer is not None and hasattr(layer, name):
                setattr(layer, name, constraint)
        variable.assign(constraint(variable))


def constraint_names(variable: str) -> tuple[str, ...]:
    """Return the attributes under which layers keep the constraint of a variable of this name."""
    return tuple(f"{name}_constraint" for name in (variable, variable.removesuffix("_kernel"), "depthwise"))[
        : 3 if variable == "kernel" else 2
    ]


def _input_axes(layer: Any, rank: int) -> tuple[int, ...]:
    if isinstance(layer, _DEPTHWISE):
        return tuple(range(rank - 2))
    if isinstance(layer, _TRANSPOSED):
        return (*range(rank - 2), rank - 1)
    return tuple(range(rank - 1))
