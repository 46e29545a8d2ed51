"""The operator table: every record, on the active backend; and registration."""

from __future__ import annotations

import dataclasses

import keras
import numpy as np
import pytest
import sympy as sp
from keras import ops

from gondwana import activations
from gondwana.activations import Domain, Operator, OperatorError
from gondwana.activations.operators import numerics
from gondwana.activations.operators.backend import value_and_gradients
from gondwana.activations.operators.checks import check_operator
from gondwana.activations.operators.registry import _OPERATORS

DOUBLE = keras.ops.convert_to_numpy(ops.cast(1.0, "float64")).dtype == np.float64


@pytest.fixture(params=activations.operators().values(), ids=lambda op: op.name)
def op(request) -> Operator:
    return request.param


def test_every_record_is_consistent(op):
    check_operator(op)


def test_gradients_are_finite_wherever_the_function_is(op):
    """At 0, where ReLU networks are half of the time, and far out, where squares overflow."""
    points = np.array(
        [0.0, -0.0, 1e-30, -1e-30, 1.0, -1.0, 50.0, -50.0, 1e10, -1e10, 1e25, -1e25], dtype="float32"
    )
    if op.arity == 1:
        arguments = [points]
    else:
        arguments = [
            a.ravel() for a in np.meshgrid(points[:8], points[:8], points[:8][: 1 if op.arity else 8])
        ]
        arguments = arguments[: op.arity or 3]
    values, gradients = value_and_gradients(op.keras, *arguments)
    overflow = {"div": 1, "reciprocal": 0, "pow": 0}.get(
        op.name
    )  # 1 / b^2 overflows where 1 / b does not yet
    for gradient in gradients:
        fine = np.isfinite(gradient) | ~np.isfinite(values)
        if overflow is not None:
            size = np.abs(arguments[overflow])
            fine |= (size > 0) & (size < 1e-20)
        assert fine.all(), [argument[~fine] for argument in arguments]


@pytest.mark.parametrize("name", ["sinh", "cosh", "arcsinh", "softplus", "log_sigmoid"])
def test_own_forms_are_accurate_in_single_precision(name):
    x = np.concatenate([np.geomspace(1e-20, 80, 400), -np.geomspace(1e-20, 80, 400), [0.0]]).astype("float32")
    exact = activations.operator(name).numpy(x.astype("float64"))
    value, (slope,) = value_and_gradients(getattr(numerics, name), x)
    np.testing.assert_allclose(value, exact, rtol=2e-6, atol=1e-37)
    h = 1e-6 * np.maximum(np.abs(x.astype("float64")), 1e-3)
    function = activations.operator(name).numpy
    central = (function(x + h) - function(x - h)) / (2 * h)
    np.testing.assert_allclose(slope, central, rtol=1e-4, atol=1e-6)


def test_arcsinh_does_not_overflow():
    x = np.array([1e19, -1e30, 1.5e38], dtype="float32")
    value, (slope,) = value_and_gradients(numerics.arcsinh, x)
    np.testing.assert_allclose(value, np.arcsinh(x.astype("float64")), rtol=1e-6)
    assert np.isfinite(slope).all()


def test_power_gradients():
    base = np.array([0.0, 0.0, 0.0, 2.0, -2.0, -2.0], dtype="float32")
    exponent = np.array([0.5, 1.0, 2.0, 3.0, 3.0, 0.5], dtype="float32")
    value, (by_base, by_exponent) = value_and_gradients(numerics.power, base, exponent)
    np.testing.assert_allclose(value, [0, 0, 0, 8, -8, np.nan])
    np.testing.assert_allclose(by_base, [0, 1, 0, 12, 12, np.nan], rtol=1e-6)
    np.testing.assert_allclose(by_exponent[:5], [0, 0, 0, 8 * np.log(2), 0], rtol=1e-6)


def test_power_broadcasts():
    value, gradients = value_and_gradients(numerics.power, np.full((4, 3), 2.0), np.array([1.0, 2.0, 3.0]))
    np.testing.assert_allclose(value, np.tile([2.0, 4.0, 8.0], (4, 1)))
    assert [g.shape for g in gradients] == [(4, 3), (3,)]


def test_hard_sigmoid_is_pangaeas():
    np.testing.assert_allclose(activations.parse("hard_sigmoid(x)")([-2.5, 0, 1, 2.5]), [0, 0.5, 0.7, 1])


CUBE = Operator(
    name="cube",
    arity=1,
    numpy=lambda x: x**3,
    keras=lambda x: x * x * x,
    sympy=lambda x: x**3,
)


@pytest.fixture
def registered():
    names = []

    def register(op: Operator) -> Operator:
        activations.register(op)
        names.append(op.name)
        return op

    yield register
    for name in names:
        _OPERATORS.pop(name, None)


def test_a_registered_operator_works_everywhere(registered):
    registered(CUBE)
    graph = activations.parse("cube(a*x)")
    np.testing.assert_allclose(graph([2.0]), [8.0])
    layer = activations.GraphActivation(graph)
    np.testing.assert_allclose(ops.convert_to_numpy(layer(np.array([[2.0]]))), [[8.0]])
    described = activations.describe(graph)
    assert described["latex"] == r"\operatorname{cube}\left(\alpha \cdot x\right)"
    assert described["second_moment"] == pytest.approx(15)
    mine = activations.OperatorSet(unary=("cube",), binary=("add",))
    assert "cube" in str(activations.sample(np.random.default_rng(0), operators=mine))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"name": "x"}, "a word other than 'x'"),
        ({"name": "two words"}, "a word other than"),
        ({"name": "tanh"}, "registered already"),
        ({"arity": 0}, "arity must be at least 1"),
        ({"arity": 2}, "does not take 2 arguments"),
        ({"numpy": lambda x: x[:1]}, r"NumPy form: shape \(33,\) became \(1,\)"),
        ({"keras": lambda x: x * x}, "NumPy and Keras forms disagree at"),
        ({"keras": lambda x: (x * x * x)[:3]}, "Keras form: shape"),
        ({"sympy": lambda x: x**2}, "the SymPy form gives"),
        ({"numpy": lambda x: x**3 / (x - 4.2)}, "not finite inside the domain"),
        ({"constant": True}, "its value varies"),
        ({"neutral": 1}, "only a binary operator"),
        (
            {"keras": lambda x: ops.where(ops.abs(x) < 9, x * x * x, ops.log(x))},
            "the gradient of the Keras form is not finite",
        ),
    ],
)
def test_records_that_contradict_themselves_are_refused(registered, change, message):
    with pytest.raises(OperatorError, match=message):
        registered(dataclasses.replace(CUBE, **change))


def test_a_wrong_neutral_element_is_refused(registered):
    with pytest.raises(OperatorError, match="not neutral"):
        registered(dataclasses.replace(activations.operator("sub"), name="minus", neutral=1))


def test_an_operator_with_a_domain(registered):
    registered(
        Operator(
            name="ln",
            arity=1,
            numpy=np.log,
            keras=ops.log,
            sympy=sp.log,
            kinks=(0.0,),
            domain=Domain("a > 0", lambda a: a > 0),
        )
    )
    assert activations.problem(activations.parse("ln(x)")).startswith("not finite at x = ")
    assert activations.problem(activations.parse("ln(exp(x))")) is None


def test_unknown_names_are_helped():
    with pytest.raises(OperatorError, match="did you mean 'softplus'"):
        activations.operator("softpluss")
    with pytest.raises(OperatorError, match="gondwana activations operators"):
        activations.operator("zzzzzz")
