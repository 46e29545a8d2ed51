"""Activation functions as PyTorch modules."""

from __future__ import annotations

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from gondwana import activations  # noqa: E402
from gondwana.activations import InvalidFunctionError, operators, parse  # noqa: E402
from gondwana.activations.torch import FORMS, GraphModule  # noqa: E402
from gondwana.autoinit import torch as autoinit  # noqa: E402

TEXT = "max(relu(x),cosh(elu(x)))"
GRID = np.linspace(-3.1, 3.1, 50)


@pytest.mark.parametrize("name", sorted(FORMS))
def test_every_form_agrees_with_numpy(name):
    operator = operators()[name]
    count = operator.arity or 3
    rng = np.random.default_rng(0)
    arguments = [GRID, *(rng.permutation(GRID) for _ in range(count - 1))]
    if name == "pow":
        arguments[0] = np.abs(arguments[0])
    expected = operator.numpy(*arguments)
    made = FORMS[name](*(torch.tensor(a) for a in arguments)).numpy()
    np.testing.assert_allclose(made, expected, rtol=1e-9, atol=1e-12)


def test_every_built_in_operator_has_a_form():
    built_in = {
        name
        for name, operator in operators().items()
        if operator.keras.__module__.startswith(("gondwana", "keras"))
    }
    names = {*activations.PANGAEA.unary, *activations.PANGAEA.binary}
    assert names <= set(FORMS) and set(FORMS) <= set(operators()) and built_in


def test_the_module_is_the_function_and_has_its_parameters():
    module = GraphModule("a*swish(b*x)", channels=3, axis=1)
    assert [(n, tuple(p.shape)) for n, p in module.named_parameters()] == [("a", (3,)), ("b", (3,))]
    x = torch.randn(2, 3, 4, requires_grad=True)
    y = module(x)
    torch.testing.assert_close(y, torch.nn.functional.silu(x))
    y.sum().backward()
    assert module.a.grad is not None and module.a.grad.shape == (3,)
    other = GraphModule("a*swish(b*x)", channels=3, axis=1)
    with torch.no_grad():
        module.b.mul_(2.0)
    other.load_state_dict(module.state_dict())
    torch.testing.assert_close(other(x), module(x))
    assert "a*swish(b*x)" in repr(module)


def test_it_can_be_exported_and_traced_by_jit():
    module, x = GraphModule(TEXT), torch.randn(4, 6)
    program = torch.export.export(module, (x,))
    torch.testing.assert_close(program.module()(x), module(x))
    torch.testing.assert_close(torch.jit.trace(module, (x,))(x), module(x))


def test_centred_and_scaled_by_its_gaussian_moments():
    module = GraphModule(TEXT, center=True, scale=True)
    x = torch.tensor(np.random.default_rng(0).normal(size=400_000))
    y = module(x)
    assert abs(float(y.mean())) < 0.01 and float(y.var()) == pytest.approx(1.0, rel=0.02)


def test_autoinit_knows_its_moments():
    network = torch.nn.Sequential(torch.nn.Linear(16, 16), GraphModule(TEXT), torch.nn.Linear(16, 4))
    plan = autoinit.plan(network, torch.zeros(4, 16), on_unknown="error", propagation="paper")
    moments = activations.gaussian_moments(parse(TEXT))
    assert [call.kind for call in plan.calls] == ["Linear", "GraphModule", "Linear"]
    assert plan.calls[1].outputs[0].mean == pytest.approx(moments.mean, rel=1e-3)
    assert plan.calls[1].outputs[0].variance == pytest.approx(moments.variance, rel=1e-3)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_precision_keeps_its_dtype(dtype):
    x = torch.tensor(GRID, dtype=dtype)
    y = GraphModule("a*relu(x)")(x)
    assert y.dtype == dtype
    torch.testing.assert_close(y, torch.relu(x))


@pytest.mark.parametrize(
    "arguments, keywords, part",
    [
        ((3,), {}, "needs a Graph"),
        (("relu(",), {}, "relu"),
        (("relu(x)",), {"axis": 0}, "axis"),
        (("relu(x)",), {"channels": 0}, "channels"),
    ],
)
def test_bad_arguments_are_named(arguments, keywords, part):
    with pytest.raises(ValueError, match=part):
        GraphModule(*arguments, **keywords)


def test_a_function_without_moments_cannot_be_centred():
    with pytest.raises(InvalidFunctionError, match="cannot center"):
        GraphModule("reciprocal(x)", center=True)
