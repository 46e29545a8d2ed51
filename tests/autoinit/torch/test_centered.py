"""AutoInit++ for modules."""

from __future__ import annotations

import math

import pytest

torch = pytest.importorskip("torch")

from torch import nn  # noqa: E402
from torch.nn import functional as F  # noqa: E402

from gondwana.autoinit import torch as autoinit  # noqa: E402

MEAN = 1 / math.sqrt(2 * math.pi)


class Calls(nn.Module):
    def __init__(self):
        super().__init__()
        self.one, self.two, self.bend = nn.Linear(8, 8), nn.Linear(8, 8), nn.PReLU(init=0.2)

    def forward(self, x):
        return torch.sigmoid(self.two(self.bend(F.relu(self.one(x)).relu())))


def test_modules_are_replaced_in_a_copy_with_the_same_weights():
    module = nn.Sequential(
        nn.Linear(8, 8), nn.ReLU(), nn.Linear(8, 8), nn.Tanh(), nn.Linear(8, 2), nn.Sigmoid()
    )
    made = autoinit.centered(module)
    assert isinstance(module[1], nn.ReLU) and type(made) is nn.Sequential
    assert [type(part).__name__ for part in made] == [
        "Linear",
        "Centered",
        "Linear",
        "Tanh",
        "Linear",
        "Sigmoid",
    ]
    assert made[1].mean == pytest.approx(MEAN, rel=1e-9)
    x = torch.randn(5, 8)
    torch.testing.assert_close(made[1](x), torch.relu(x) - MEAN)
    assert torch.equal(made[0].weight, module[0].weight) and made[0].weight is not module[0].weight


def test_functions_that_forward_calls_are_replaced_too_but_for_those_at_the_output():
    module = Calls()
    made = autoinit.centered(module)
    x = torch.randn(5, 8)
    y = torch.relu(torch.relu(module.one(x)) - MEAN) - MEAN
    y = module.bend(y) - 0.8 * MEAN
    torch.testing.assert_close(made(x), torch.sigmoid(module.two(y)))
    assert set(made.state_dict()) == {n.replace("bend", "bend.inner") for n in module.state_dict()}
    plan = autoinit.plan(made, torch.zeros(4, 8), propagation="paper")
    assert abs(plan.calls[2].outputs[0].mean) < 1e-9


def test_layers_and_variance_and_what_makes_no_sense():
    module = nn.Sequential(nn.Linear(8, 8), nn.ReLU(), nn.Linear(8, 8), nn.ReLU(), nn.Linear(8, 2))
    made = autoinit.centered(module, layers="3", variance=4.0)
    assert isinstance(made[1], nn.ReLU) and made[3].mean == pytest.approx(2 * MEAN)
    with pytest.raises(autoinit.AutoInitError, match="no layer matches"):
        autoinit.centered(module, layers="9")
    with pytest.raises(autoinit.AutoInitError, match="variance"):
        autoinit.centered(module, variance=0.0)


def test_what_fx_cannot_trace_has_its_modules_replaced_and_says_so():
    class Looks(nn.Module):
        def __init__(self):
            super().__init__()
            self.one, self.bend = nn.Linear(8, 8), nn.ReLU()

        def forward(self, x):
            return self.bend(self.one(x)) if x.sum() > 0 else x

    with pytest.warns(UserWarning, match=r"torch\.fx cannot trace Looks"):
        made = autoinit.centered(Looks())
    assert isinstance(made.bend, autoinit.Centered)
