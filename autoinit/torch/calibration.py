"""One forward pass after the plan: measure every layer that was drawn, and rescale those that are off."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import torch

from gondwana.autoinit.calibrated import CalibratedLayer, Calibration
from gondwana.autoinit.draws import check_seed, generator
from gondwana.autoinit.errors import AutoInitError
from gondwana.autoinit.frontends.torch.export import called, exported
from gondwana.autoinit.frontends.torch.graph import Graph, Step
from gondwana.autoinit.frontends.torch.inputs import examples
from gondwana.autoinit.frontends.torch.running import evaluated, second_moment, tensor_of
from gondwana.autoinit.planned import Plan
from gondwana.autoinit.torch.apply import apply
from gondwana.autoinit.torch.calls import check_rules, whole_classes
from gondwana.autoinit.torch.measure import gaussian_inputs
from gondwana.autoinit.torch.planning import plan

_EXAMPLES = 128
_MOST_RUNS = 16
_TOLERANCE = 0.05


def calibrate(
    module: torch.nn.Module,
    example_inputs: Any,
    data: Any = None,
    *,
    seed: int = 0,
    tolerance: float = _TOLERANCE,
    **options: Any,
) -> Calibration:
    """Initialize ``module`` in place by AutoInit, and check it by one forward pass over some batches.

    The pass runs step by step. Where the second moment of what a layer with drawn weights puts out is off by more than
    ``tolerance``, its weight is rescaled at once, so that the layers behind it see what has been corrected.

    Args:
        module: to be initialized.
        example_inputs: see :func:`gondwana.autoinit.torch.plan`.
        data: examples, see there; None for Gaussian inputs.
        seed: of the weights and of the inputs.
        tolerance: largest relative error that is left alone.
        options: of the plan, see there.

    Raises:
        ModelError: if ``torch.export`` cannot read the module.
        AutoInitError: if ``tolerance`` is negative or no number; and what :func:`gondwana.autoinit.torch.plan` raises.
            The weights are then what they were before.
    """
    check_seed(seed)
    if isinstance(tolerance, bool) or not isinstance(tolerance, int | float) or not tolerance >= 0:
        raise AutoInitError(f"tolerance must be a number, at least 0. Received: {tolerance!r}")
    extra = check_rules(options.get("rules"))
    planned = plan(module, example_inputs, data=data, seed=seed, **options)
    graph = exported(module, example_inputs, whole_classes(module, extra))
    parameters = [parameter for _, parameter in module.named_parameters()]
    before = [(parameters[one.index], parameters[one.index].detach().clone()) for one in planned.weights]
    runs = _batches(graph, data, seed, options)
    try:
        apply(planned, module, seed)
        check = _Pass(graph, planned, parameters, tolerance)
        evaluated(graph, runs, seed, check)
        return Calibration(planned, tuple(check.rows))
    except BaseException:
        with torch.no_grad():
            for parameter, values in before:
                parameter.copy_(values)
        raise


def _batches(graph: Graph, data: Any, seed: int, options: Any) -> list[dict[int, Any]]:
    size = (graph.shapes[graph.inputs[0]] or (1,))[0] or 1
    count = min(max(-(-_EXAMPLES // size), 1), _MOST_RUNS)
    if data is None:
        rng = generator(seed, 6)
        mean, variance = options.get("input_mean"), options.get("input_variance")
        given = (0.0 if mean is None else mean, 1.0 if variance is None else variance)
        return [gaussian_inputs(graph, rng, *given) for _ in range(count)]
    arrays = examples(graph, data)
    batches = []
    for run in range(count):
        places = {
            index: [(run * size + k) % len(rows) for k in range(size)] for index, rows in arrays.items()
        }
        batches.append(
            {i: tensor_of(rows[places[i]], (graph.dtypes[i], graph.device)) for i, rows in arrays.items()}
        )
    return batches


class _Pass:
    """Measures each layer with drawn weights when it is called first, and corrects it."""

    def __init__(self, graph: Graph, planned: Plan, parameters: Sequence[Any], tolerance: float) -> None:
        self.graph, self.tolerance = graph, tolerance
        self.left = {id(parameters[one.index]) for one in planned.weights if one.deviation > 0}
        self.held = {call.name: call for call in planned.calls if call.weighted}
        self.rows: list[CalibratedLayer] = []

    def __call__(self, step: Step, inputs: list[list[Any]], outputs: list[list[Any]]) -> list[list[Any]]:
        """Return the outputs of a step, after its weight was corrected if that was needed."""
        weights = {id(w.parameter): w.parameter for i in step.inputs if (w := self.graph.weights.get(i))}
        own = [parameter for key, parameter in weights.items() if key in self.left]
        call = self.held.get(step.name)
        if not own or call is None:
            return outputs
        self.left -= set(weights)  # a second call finds the layer done
        measured = corrected = second_moment([made[0] for made in outputs])
        wanted = call.held
        off = (
            wanted > 0
            and 0 < measured < math.inf
            and abs(math.log(measured / wanted)) > math.log1p(self.tolerance)
        )
        if off:
            own[-1].mul_(math.sqrt(wanted / measured))
            # Run again rather than scaled: a bias that is kept does not grow with the weight.
            outputs = [called(step, given) for given in inputs]
            corrected = second_moment([made[0] for made in outputs])
        self.rows.append(CalibratedLayer(step.name, call.kind, wanted, measured, corrected))
        return outputs
