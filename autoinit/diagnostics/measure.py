"""Measured signals beside predicted ones."""

from __future__ import annotations

import inspect
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np

from gondwana.autoinit.frontends.keras.data import expected
from gondwana.autoinit.frontends.keras.graph import Graph, Slot, Step, trace
from gondwana.autoinit.frontends.statistics import Statistic, per_input
from gondwana.autoinit.moments.gaussian import Array
from gondwana.autoinit.planning import Plan
from gondwana.autoinit.registry import has_rule
from gondwana.autoinit.weights.apply import apply


@dataclass(frozen=True, slots=True)
class Measurement:
    """Signals of one layer over several draws of weights and inputs.

    Attributes:
        name: of the layer, ``outer/inner`` inside nested models.
        kind: its class.
        means, variances: of the entries of its output, one number per draw.
    """

    name: str
    kind: str
    means: Array
    variances: Array


def gaussian_inputs(model: keras.Model, batch: int, rng: np.random.Generator, size: int = 32) -> list[Any]:
    """Return Gaussian inputs for ``model``; integers that an Embedding knows for integer inputs, else 0 or 1.

    Sizes that the model leaves open become ``batch`` and ``size``.
    """
    graph = trace(model, has_rule)
    tokens = {
        index: step.operation.input_dim
        for step in graph.steps
        for index in step.inputs
        if isinstance(step.operation, keras.layers.Embedding)
    }
    drawn = []
    for index in graph.inputs:
        first, *others = graph.shapes[index]
        shape = (first or batch, *(n or size for n in others))
        integers = not keras.backend.is_float_dtype(graph.dtypes[index])
        if integers or index in tokens:
            drawn.append(rng.integers(0, tokens.get(index, 2), shape))
        else:
            drawn.append(rng.normal(size=shape).astype(np.float32))
    return drawn


def measure(
    model: keras.Model,
    plan: Plan | None = None,
    *,
    draws: int = 1,
    batch: int = 32,
    seed: int = 0,
    training: bool = True,
    input_mean: Statistic | None = None,
    input_variance: Statistic | None = None,
    inputs: Sequence[Any] | None = None,
    before_activation: bool = False,
) -> list[Measurement]:
    """Run ``model`` and return the signals that leave each of its layers.

    Args:
        model: built model.
        plan: drawn into the model before each run; None leaves its weights alone.
        draws: number of runs, each with new weights (with a plan) and new inputs.
        batch: examples per run.
        seed: of weights and inputs.
        training: whether dropout and batch normalization act as in training.
        input_mean, input_variance: of the Gaussian inputs, one for all or one per input. None: 0 and 1, or what a
            preprocessing layer at the input was made for, see :func:`autoinit.plan`.
        inputs: arrays to feed instead of Gaussian ones.
        before_activation: measure what a layer with weights computes before its own activation function, which is what
            AutoInit gives mean 0 and variance 1; what goes on to the next layer is the same.

    Raises:
        ModelError: if the model cannot be walked.
        AutoInitError: if a number is missing for an input.
    """
    graph = trace(model, has_rule)
    made_for = inputs is None and input_mean is None and input_variance is None
    means = per_input("input_mean", 0.0 if input_mean is None else input_mean, graph.names)
    variances = per_input("input_variance", 1.0 if input_variance is None else input_variance, graph.names)
    rng = np.random.default_rng(seed)
    rows = []
    for draw in range(draws):
        if plan is not None:
            apply(plan, model, seed=seed + 1000 * draw)
        fed = list(inputs) if inputs is not None else gaussian_inputs(model, batch, rng)
        if inputs is None:
            known = expected(graph, seed + draw) if made_for else {}
            fed = [
                known[index][:batch].astype(np.float32)
                if index in known
                else x
                if x.dtype.kind == "i"
                else mean + variance**0.5 * x
                for index, x, mean, variance in zip(graph.inputs, fed, means, variances, strict=True)
            ]
        rows.append(_run(graph, fed, training, before_activation))
    table = np.array(rows)
    return [
        Measurement(step.name, type(step.operation).__name__, table[:, index, 0], table[:, index, 1])
        for index, step in enumerate(graph.steps)
    ]


def _run(
    graph: Graph, inputs: Sequence[Any], training: bool, before_activation: bool
) -> list[tuple[float, float]]:
    """Evaluate the graph, and return mean and variance of the first output of each step."""
    values = {index: keras.ops.convert_to_tensor(x) for index, x in zip(graph.inputs, inputs, strict=True)}
    last_use = {index: number for number, step in enumerate(graph.steps) for index in step.inputs}
    found = []
    for number, step in enumerate(graph.steps):
        outputs = keras.tree.flatten(evaluate(step, values, training))
        values.update(zip(step.outputs, outputs, strict=True))
        if before_activation and _has_own_activation(step.operation):
            outputs = [_before_activation(step, values, training)]
        first = keras.ops.cast(outputs[0], "float32")
        found.append((float(keras.ops.mean(first)), float(keras.ops.var(first))))
        for index in step.inputs:
            if last_use[index] == number:
                values.pop(index, None)
    return found


def _has_own_activation(operation: Any) -> bool:
    return callable(getattr(operation, "activation", None)) and hasattr(operation, "kernel")


def _before_activation(step: Step, values: Mapping[int, Any], training: bool) -> Any:
    """Run a layer once more, without its activation function."""
    layer: Any = step.operation
    kept = layer.activation
    layer.activation = keras.activations.linear
    try:
        return evaluate(step, values, training)
    finally:
        layer.activation = kept


def filled(step: Step, values: Mapping[int, Any]) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """Return the arguments of a call of a graph, with the tensors in ``values``, by their index."""

    def tensor(argument: Any) -> Any:
        return values[step.inputs[argument.position]] if isinstance(argument, Slot) else argument

    arguments = keras.tree.map_structure(tensor, step.arguments)
    return tuple(arguments), dict(keras.tree.map_structure(tensor, dict(step.keywords)))


def evaluate(step: Step, values: Mapping[int, Any], training: bool) -> Any:
    """Run one call of a graph on the tensors in ``values``, by their index."""
    arguments, keywords = filled(step, values)
    if (
        isinstance(step.operation, keras.Layer)
        and "training" in inspect.signature(step.operation.call).parameters
    ):
        keywords["training"] = training
    return step.operation(*arguments, **keywords)
