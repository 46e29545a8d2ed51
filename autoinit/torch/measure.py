"""Measured signals beside predicted ones."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from gondwana.autoinit.draws import generator
from gondwana.autoinit.frontends.statistics import Statistic, per_input
from gondwana.autoinit.frontends.torch.export import exported
from gondwana.autoinit.frontends.torch.graph import Graph, Step
from gondwana.autoinit.frontends.torch.modes import check_module
from gondwana.autoinit.frontends.torch.running import evaluated, tensor_of
from gondwana.autoinit.moments.gaussian import Array
from gondwana.autoinit.planned import Plan
from gondwana.autoinit.torch.apply import apply
from gondwana.autoinit.torch.calls import Rule, check_rules, whole_classes
from gondwana.autoinit.torch.hooks import unchanged
from gondwana.autoinit.torch.rules.moves import MOVES
from gondwana.autoinit.torch.simulation import vocabularies


@dataclass(frozen=True, slots=True)
class Measurement:
    """Signals of one step over several draws of weights and inputs.

    Attributes:
        name: of the step, as in the plan.
        kind: class of the module, or the operation.
        means, variances: of the entries of its output, one number per draw.
    """

    name: str
    kind: str
    means: Array
    variances: Array


def listed(graph: Graph, step: Step) -> bool:
    """Whether a plan lists a step: it puts out numbers that depend on the inputs, and does more than move them."""
    variable = not graph.constant.issuperset(step.outputs)
    return variable and step.kind not in MOVES and any(graph.is_float(index) for index in step.outputs)


def gaussian_inputs(
    graph: Graph, rng: np.random.Generator, means: Statistic = 0.0, variances: Statistic = 1.0
) -> dict[int, Any]:
    """Return inputs like the examples: Gaussian numbers, tokens of the whole vocabulary, other integers as given."""
    known = vocabularies(graph)
    pairs = zip(
        per_input("input_mean", means, graph.names),
        per_input("input_variance", variances, graph.names),
        strict=True,
    )
    drawn = {}
    for index, (mean, variance) in zip(graph.inputs, pairs, strict=True):
        like, shape = (graph.dtypes[index], graph.device), graph.shapes[index]
        if graph.is_float(index):
            drawn[index] = tensor_of(mean + variance**0.5 * rng.standard_normal(shape), like)
        elif index in known:
            drawn[index] = tensor_of(rng.integers(0, known[index], shape), like)
        else:
            drawn[index] = graph.examples[index]
    return drawn


def measure(
    module: torch.nn.Module,
    example_inputs: Any,
    plan: Plan | None = None,
    *,
    draws: int = 1,
    seed: int = 0,
    input_mean: Statistic = 0.0,
    input_variance: Statistic = 1.0,
    rules: Mapping[str | type, Rule] | None = None,
) -> list[Measurement]:
    """Run ``module`` and return the mean and variance of what each step puts out. The module is not changed.

    Args:
        module: whose signals are measured, as it trains.
        example_inputs: see :func:`gondwana.autoinit.torch.plan`.
        plan: weights are drawn by it, anew for each draw; None: those that the module has.
        draws: number of draws of weights and inputs.
        seed: of weights and inputs.
        input_mean, input_variance: of the Gaussian inputs, one for all or one per input.
        rules: that the plan was made with.

    Raises:
        ModelError: if ``torch.export`` cannot read the module.
    """
    check_module(module)
    graph = exported(module, example_inputs, whole_classes(module, check_rules(rules)))
    rng = generator(seed, 7)
    found: dict[int, list[tuple[float, float]]] = {}

    def note(step: Step, inputs: list[list[Any]], outputs: list[list[Any]]) -> list[list[Any]]:
        if listed(graph, step):
            values = outputs[0][0].detach().to(torch.float32)
            pair = float(values.mean()), float(values.var(unbiased=False))
            found.setdefault(step.outputs[0], []).append(pair)
        return outputs

    with unchanged(module):
        for number in range(draws):
            if plan is not None:
                apply(plan, module, seed + 1000 * number)
            inputs = gaussian_inputs(graph, rng, input_mean, input_variance)
            evaluated(graph, [inputs], seed + number, note)
    rows = []
    for step in graph.steps:
        if step.outputs and step.outputs[0] in found:
            table = np.array(found[step.outputs[0]])
            rows.append(Measurement(step.name, step.label, table[:, 0], table[:, 1]))
    return rows
