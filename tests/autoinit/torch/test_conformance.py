"""Every registered rule against simulation over many draws of weights and inputs, within five standard errors.

The table is fed from the registry: a rule without an example fails the suite.
"""

from __future__ import annotations

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from gondwana.autoinit import torch as autoinit  # noqa: E402
from gondwana.autoinit.frontends.torch.export import exported  # noqa: E402
from gondwana.autoinit.torch.calls import registered_rules  # noqa: E402
from gondwana.autoinit.torch.rules.functions import UNARY  # noqa: E402
from tests.autoinit.torch.examples import EXAMPLES, function_example  # noqa: E402

pytestmark = pytest.mark.slow

FUNCTIONS = {f"aten.{name}": [function_example(name)] for name in sorted(UNARY)}


def cases():
    for kind, examples in (EXAMPLES | FUNCTIONS).items():
        for number, example in enumerate(examples):
            for mode in example.modes:
                yield pytest.param(kind, example, mode, id=f"{kind}-{number}-{mode}")


@pytest.mark.parametrize("kind, example, mode", cases())
def test_prediction_agrees_with_simulation(kind, example, mode):
    torch.manual_seed(0)
    module = example.make()
    if example.integers:
        inputs = (torch.zeros(example.shapes[0], dtype=torch.long),)
    else:
        inputs = tuple(torch.zeros(shape) for shape in example.shapes)
    about = {"input_mean": example.mean, "input_variance": example.variance}
    graph = exported(module, inputs)
    assert kind in {step.kind for step in graph.steps}, "the example does not use the operation"
    plan = autoinit.plan(module, inputs, propagation=mode, on_unknown=example.on_unknown, **about)
    signal = whole(plan, graph, module, inputs, about)
    rows = simulated(module, plan, inputs, example)
    estimate, error = rows.mean(axis=0), rows.std(axis=0, ddof=1) / np.sqrt(len(rows))
    scale = max(signal.second_moment, 1e-12)
    assert abs(signal.mean - estimate[0]) <= 5 * error[0] + example.bias * scale**0.5
    assert abs(signal.second_moment - estimate[1]) <= 5 * error[1] + example.bias * scale


def whole(plan, graph, module, inputs, about):
    """Return the signal of the output; where only entries are moved, which a plan does not list, of a multiple."""
    if plan.calls and plan.calls[-1].name == graph.steps[-1].name:
        return plan.calls[-1].outputs[0]

    class Listed(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.inner = module

        def forward(self, *tensors):
            return self.inner(*tensors) * 1.0

    settings = plan.settings
    return (
        autoinit.plan(Listed(), inputs, propagation=settings.propagation, on_unknown="error", **about)
        .calls[-1]
        .outputs[0]
    )


def simulated(module, plan, inputs, example):
    rng = np.random.default_rng(0)
    module.train()
    rows = []
    with torch.random.fork_rng(), torch.no_grad():
        torch.manual_seed(0)
        for draw in range(example.draws):
            autoinit.apply(plan, module, draw)
            given = [
                torch.tensor(rng.integers(0, 40, shape))
                if example.integers
                else torch.tensor(rng.normal(example.mean, example.variance**0.5, shape), dtype=torch.float32)
                for shape in example.shapes
            ]
            y = module(*given).double()
            rows.append((float(y.mean()), float(y.square().mean())))
    return np.array(rows)


def test_every_registered_rule_has_an_example():
    known = {kind for kind in registered_rules() if isinstance(kind, str)}
    assert known - set(EXAMPLES) - set(FUNCTIONS) == set()
