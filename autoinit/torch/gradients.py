"""How large the gradient is at what each step puts out: one backward pass on seeded draws, with weights as planned.

At every output of the module the gradient has mean square 1 and independent entries, as on the Keras side, where the
way back is computed; here PyTorch's own differentiation takes it.
"""

from __future__ import annotations

import math
from typing import Any

import torch

from gondwana.autoinit.draws import generator
from gondwana.autoinit.errors import warn_user
from gondwana.autoinit.frontends.torch.export import called
from gondwana.autoinit.frontends.torch.graph import Graph
from gondwana.autoinit.frontends.torch.modes import first_line
from gondwana.autoinit.frontends.torch.running import tensor_of, undisturbed
from gondwana.autoinit.torch.simulation import Simulation

_MOST_ENTRIES = 1 << 27
"""Entries of all tensors of a module beyond which the pass would take too much memory; the table says nan then."""


def gradients(graph: Graph, simulation: Simulation) -> dict[int, float]:
    """Return the mean square of the gradient at tensors, by number; 0 where nothing comes back.

    Args:
        graph: of the module.
        simulation: of a walk that is done; it draws the inputs and the weights.
    """
    if (
        not graph.outputs
        or sum(graph.entries(i) for step in graph.steps for i in step.outputs) > _MOST_ENTRIES
    ):
        return {}
    seed = int(generator(simulation.settings.seed, 8).integers(1 << 31))
    try:
        with undisturbed(seed, graph.device), torch.enable_grad():
            return _passed_back(graph, simulation)
    except Exception as error:  # noqa: BLE001 - an operation that cannot be differentiated: the plan says so and goes on
        warn_user(f"no gradients in the plan: {type(error).__name__}: {first_line(error)}")
        return {}


def _passed_back(graph: Graph, simulation: Simulation) -> dict[int, float]:
    values: dict[int, Any] = {index: simulation.value(index, 0) for index in graph.inputs}
    for step in graph.steps:
        if graph.constant.issuperset(step.outputs):
            continue
        given = [values[i] if i in values else simulation.value(i, 0) for i in step.inputs]
        for index, made in zip(step.outputs, called(step, given), strict=True):
            if graph.is_float(index):
                made = made if made.requires_grad else made.detach().requires_grad_()
                made.retain_grad()
            values[index] = made
    ends = list(dict.fromkeys(graph.outputs))
    rng = generator(simulation.settings.seed, 9)
    weights = [tensor_of(rng.standard_normal(graph.shapes[i]), (graph.dtypes[i], graph.device)) for i in ends]
    torch.autograd.backward([values[index] for index in ends], weights)
    found = {}
    for step in graph.steps:
        for index in step.outputs:
            value = values.get(index)
            if value is not None and graph.is_float(index):
                grad = value.grad
                found[index] = 0.0 if grad is None else float(grad.detach().to(torch.float32).square().mean())
    return {index: value for index, value in found.items() if math.isfinite(value)}
