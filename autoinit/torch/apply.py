"""Draw the parameters of a plan into a module; and the one line that plans and draws."""

from __future__ import annotations

from typing import Any

import torch

from gondwana.autoinit.draws import check_seed, draw, generator
from gondwana.autoinit.errors import ModelError
from gondwana.autoinit.frontends.torch.modes import check_module
from gondwana.autoinit.frontends.torch.running import tensor_of
from gondwana.autoinit.planned import Plan
from gondwana.autoinit.torch.placement import placement
from gondwana.autoinit.torch.planning import plan as make_plan


def apply(plan: Plan, module: torch.nn.Module, seed: int) -> torch.nn.Module:
    """Draw the planned parameters of ``module`` in place and return it. Nothing else in it changes.

    The stream of each parameter depends on the seed and on its place among ``module.named_parameters()`` alone; values
    are drawn with NumPy, so every device gets the same. The padding row of an embedding stays 0.

    Args:
        plan: made by :func:`gondwana.autoinit.torch.plan` for this module or one of the same architecture.
        module: to be initialized.
        seed: of the weights.

    Raises:
        ModelError: if the plan does not fit the module. Nothing has been changed then.
        AutoInitError: if the seed is not a whole number of at least 0.
    """
    check_seed(seed)
    check_module(module)
    parameters = [parameter for _, parameter in module.named_parameters()]
    for planned in plan.weights:
        if planned.index >= len(parameters) or tuple(parameters[planned.index].shape) != planned.shape:
            raise ModelError(
                f"the plan for {plan.model} does not fit this {type(module).__name__}: parameter {planned.index} "
                f"({planned.path}) should have shape {planned.shape}"
            )
    padding = _padding_rows(module)
    with torch.no_grad():
        for planned in plan.weights:
            parameter = parameters[planned.index]
            if planned.deviation == 0:
                parameter.zero_()
                continue
            shape = placement(planned.shape, planned.order)
            values = draw(generator(seed, planned.index), shape.drawn, planned.deviation, plan.distribution)
            parameter.copy_(tensor_of(shape.placed(values), (parameter.dtype, parameter.device)))
            if id(parameter) in padding:
                parameter[padding[id(parameter)]] = 0
    return module


def _padding_rows(module: Any) -> dict[int, int]:
    return {
        id(part.weight): part.padding_idx
        for part in module.modules()
        if isinstance(part, torch.nn.Embedding) and part.padding_idx is not None
    }


def initialize(
    module: torch.nn.Module, example_inputs: Any, seed: int = 0, **options: Any
) -> torch.nn.Module:
    """Plan ``module`` and draw its parameters in place; return it.

    Args:
        module: to be initialized.
        example_inputs, options: see :func:`gondwana.autoinit.torch.plan`.
        seed: of the weights, and of simulations.

    Raises:
        ModelError, AutoInitError: see :func:`gondwana.autoinit.torch.plan`; the module is unchanged then.

    Examples:
        >>> initialize(torch.nn.Linear(64, 10), torch.zeros(2, 64), seed=1)
        Linear(in_features=64, out_features=10, bias=True)
    """
    return apply(make_plan(module, example_inputs, seed=seed, **options), module, seed)
