"""One forward pass after the plan: measure every layer that was drawn, and rescale those that are off."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import keras
import numpy as np

from gondwana.autoinit.calibrated import CalibratedLayer, Calibration
from gondwana.autoinit.diagnostics.measure import filled, gaussian_inputs
from gondwana.autoinit.draws import check_seed, generator
from gondwana.autoinit.errors import AutoInitError
from gondwana.autoinit.frontends.keras.chosen import LayerChoice
from gondwana.autoinit.frontends.keras.data import Data, examples, expected
from gondwana.autoinit.frontends.keras.graph import Graph, Step, trace, values_of, variables_of
from gondwana.autoinit.frontends.keras.running import run
from gondwana.autoinit.frontends.statistics import Statistic, per_input
from gondwana.autoinit.planning import Plan, plan
from gondwana.autoinit.registry import Rule, check_rules, has_rule
from gondwana.autoinit.settings import Direction, OnUnknown, Propagation
from gondwana.autoinit.weights.apply import apply

_BATCH = 128
_TOLERANCE = 0.05


def calibrate(
    model: keras.Model,
    data: Data | None = None,
    *,
    seed: int = 0,
    tolerance: float = _TOLERANCE,
    layers: LayerChoice | None = None,
    input_mean: Statistic | None = None,
    input_variance: Statistic | None = None,
    propagation: Propagation = "exact",
    signal_variance: float = 1.0,
    distribution: str = "truncated_normal",
    on_unknown: OnUnknown = "simulate",
    rules: Mapping[type, Rule] | None = None,
    direction: Direction = "forward",
    output_variance: float | None = None,
) -> Calibration:
    """Initialize ``model`` in place by AutoInit, and check it by one forward pass over a batch.

    The pass runs layer by layer. Where the second moment of what a layer with drawn weights puts out, before its
    activation, is off by more than ``tolerance``, its (last) kernel is rescaled at once, so that the layers behind it
    see what has been corrected: one pass in all. Recurrent layers keep the weights of their own initializers.

    Args:
        model: built model.
        data: examples, see :func:`autoinit.plan`; None for Gaussian inputs of the given or expected mean and variance.
        seed: of the weights and of the inputs.
        tolerance: largest relative error that is left alone.
        layers, input_mean, input_variance, propagation, signal_variance, distribution, on_unknown, rules, direction,
            output_variance: of the plan, see :func:`autoinit.plan`.

    Raises:
        AutoInitError: if ``tolerance`` is negative or no number; and what :func:`autoinit.plan` raises. The weights are
            then what they were before.
    """
    check_seed(seed)
    if not isinstance(tolerance, int | float) or not tolerance >= 0:
        raise AutoInitError(f"tolerance must be a number, at least 0. Received: {tolerance!r}")
    extra = check_rules(rules)
    graph = trace(model, lambda operation: has_rule(operation, extra))
    if data is not None:  # read once, since it may be an iterator
        data = list(examples(graph, data).values())
    planned = plan(
        model,
        input_mean=input_mean,
        input_variance=input_variance,
        data=data,
        layers=layers,
        propagation=propagation,
        signal_variance=signal_variance,
        distribution=distribution,
        on_unknown=on_unknown,
        rules=rules,
        seed=seed,
        direction=direction,
        output_variance=output_variance,
    )
    inputs = gaussian_inputs_of(model, _BATCH, seed, input_mean, input_variance, data)
    weights = [model.weights[one.index] for one in planned.weights]
    before = [values_of(variable) for variable in weights]
    try:
        apply(planned, model, seed=seed)
        return Calibration(planned, _pass(graph, planned, inputs, weights, tolerance, seed))
    except BaseException:
        for variable, values in zip(weights, before, strict=True):
            variable.assign(values)
        raise


def gaussian_inputs_of(
    model: keras.Model,
    batch: int,
    seed: int,
    mean: Statistic | None,
    variance: Statistic | None,
    data: Data | None = None,
) -> list[Any]:
    """Return a batch for each input of ``model``: of ``data``, of what its preprocessing expects, or Gaussian."""
    graph = trace(model, has_rule)
    if data is not None:
        return [values[:batch] for values in examples(graph, data).values()]
    known = expected(graph, seed) if mean is None and variance is None else {}
    drawn = gaussian_inputs(model, batch, generator(seed, len(model.weights), 2))
    means = per_input("input_mean", 0.0 if mean is None else mean, graph.names)
    variances = per_input("input_variance", 1.0 if variance is None else variance, graph.names)
    return [
        known[index][:batch].astype(np.float32)
        if index in known
        else x
        if x.dtype.kind == "i"
        else means[number] + variances[number] ** 0.5 * x
        for number, (index, x) in enumerate(zip(graph.inputs, drawn, strict=True))
    ]


def _pass(
    graph: Graph, planned: Plan, inputs: Sequence[Any], weights: Sequence[Any], tolerance: float, seed: int
) -> tuple[CalibratedLayer, ...]:
    values = {
        index: keras.ops.convert_to_tensor(x, dtype=graph.dtypes[index])
        for index, x in zip(graph.inputs, inputs, strict=True)
    }
    last_use = {index: number for number, step in enumerate(graph.steps) for index in step.inputs}
    drawn = {id(variable) for variable in weights}
    rows = []
    for number, (step, call) in enumerate(zip(graph.steps, planned.calls, strict=True)):
        arguments, keywords = filled(step, values)
        own = [v for v in variables_of(step.operation, step.arguments) if id(v) in drawn]
        if own:
            drawn -= {id(variable) for variable in own}  # a second call finds the layer done
            outputs, found = _corrected(step, arguments, keywords, own[-1], call.held, tolerance, seed)
            rows.append(CalibratedLayer(step.name, call.kind, call.held, *found))
        else:
            outputs = run(step.operation, arguments, keywords, seed=seed)
        values.update(zip(step.outputs, outputs, strict=True))
        for index in step.inputs:
            if last_use[index] == number:
                values.pop(index, None)
    return tuple(rows)


def _corrected(
    step: Step,
    arguments: Sequence[Any],
    keywords: Mapping[str, Any],
    kernel: Any,
    wanted: float,
    tolerance: float,
    seed: int,
) -> tuple[list[Any], tuple[float, float]]:
    """Return the outputs of a layer, and the second moment before its activation as it was and as it is now."""
    layer = step.operation
    with without_activation(layer) as activation:
        outputs = run(layer, arguments, keywords, seed=seed)
        measured = after = _second_moment(outputs[0])
        if (
            wanted > 0
            and 0 < measured < math.inf
            and abs(math.log(measured / wanted)) > math.log1p(tolerance)
        ):
            kernel.assign(keras.ops.convert_to_tensor(kernel) * math.sqrt(wanted / measured))
            # Run again rather than scaled: a bias, or what a layer does behind its kernel, does not grow with it.
            outputs = run(layer, arguments, keywords, seed=seed)
            after = _second_moment(outputs[0])
    return ([activation(x) for x in outputs] if activation is not None else outputs), (measured, after)


def _second_moment(tensor: Any) -> float:
    return float(keras.ops.mean(keras.ops.square(keras.ops.cast(tensor, "float32"))))


@contextmanager
def without_activation(layer: Any) -> Iterator[Any]:
    """Let a layer put out what goes into its activation, which is returned; None if there is none to take off."""
    activation = getattr(layer, "activation", None)
    if not callable(activation) or isinstance(layer, keras.layers.RNN):
        yield None
        return
    layer.activation = keras.activations.linear
    try:
        yield activation
    finally:
        layer.activation = activation
