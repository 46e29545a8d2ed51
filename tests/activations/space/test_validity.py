"""Gaussian moments, break points, validity, equality, catalogue."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gondwana import activations, autoinit
from gondwana.activations import Distinct, breakpoints, gaussian_moments, parse, problem
from gondwana.activations.space.catalogue import catalogue, enumerate_form
from gondwana.activations.space.validity import fingerprint

PHI0 = 1 / math.sqrt(2 * math.pi)


@pytest.mark.parametrize(
    ("text", "mean", "second"),
    [
        ("x", 0, 1),
        ("relu(x)", PHI0, 0.5),
        ("abs(x)", 2 * PHI0, 1),
        ("square(x)", 1, 3),
        ("exp(x)", math.exp(0.5), math.exp(2)),
        ("erf(x)", 0, 4 / math.pi * math.atan(math.sqrt(5)) - 1),
        ("sinh(x)", 0, math.exp(1) * math.sinh(1)),
        ("max(x,negative(x))", 2 * PHI0, 1),
        ("a*hard_sigmoid(b*x)", 0.5, None),
        ("one(x)", 1, 1),
    ],
)
def test_moments_in_closed_form(text, mean, second):
    moments = gaussian_moments(parse(text))
    assert moments.mean == pytest.approx(mean, rel=1e-9, abs=1e-12)
    if second is not None:
        assert moments.second_moment == pytest.approx(second, rel=1e-9)


def test_moments_under_another_gaussian():
    moments = gaussian_moments(parse("square(x)"), mean=1.0, variance=4.0)
    assert moments.mean == pytest.approx(5)


@pytest.mark.parametrize(
    "text", ["reciprocal(x)", "exp(square(x))", "exp(exp(x))", "reciprocal(sub(x,one(x)))"]
)
def test_functions_without_moments(text):
    with pytest.raises(autoinit.NotIntegrableError):
        gaussian_moments(parse(text))
    described = activations.describe(text)
    assert (described["valid"], described["mean"], described["second_moment"]) == (False, None, None)


@pytest.mark.parametrize(
    ("text", "places"),
    [
        ("tanh(x)", []),
        ("relu(x)", [0]),
        ("hard_sigmoid(x)", [-2.5, 2.5]),
        ("relu(sub(x,one(x)))", [1]),
        ("relu(sub(square(x),add(one(x),one(x))))", [-math.sqrt(2), math.sqrt(2)]),
        ("max(x,exp(negative(x)))", [0.5671432904097838]),
        ("reciprocal(sub(exp(x),add(one(x),one(x))))", [math.log(2)]),
        ("max_n(x,zero(x),sub(one(x),x))", [0, 0.5, 1]),
        ("relu(one(x))", []),
    ],
)
def test_breakpoints(text, places):
    np.testing.assert_allclose(breakpoints(parse(text)), places, rtol=1e-14, atol=1e-15)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("x", None),
        ("relu(x)", None),
        ("tanh(reciprocal(x))", None),  # a jump, but finite
        ("reciprocal(x)", "not finite at x = 0"),
        ("pow(x,sigmoid(x))", "not finite at x = "),
        ("sub(x,x)", "constant"),
        ("relu(negative(exp(x)))", "constant"),
        ("exp(square(x))", "no usable Gaussian moments: it grows too fast"),
        ("exp(mul(exp(x),sigmoid(zero(x))))", "no Gaussian moments: it overflows"),
        ("reciprocal(sub(exp(x),add(one(x),one(x))))", "pole at x = 0.693147"),
        ("relu(div(swish(x),hard_sigmoid(x)))", "an inner value is infinite on part of [-5, 5]"),
        ("tanh(exp(exp(x)))", "an inner value is infinite"),
        ("tanh(min(cosh(x),reciprocal(zero(x))))", None),  # a constant has no gradient
        ("one(x)", "constant on [-5, 5] (value 1)"),
        ("square(square(square(square(x))))", "exceeds 1e+06"),
    ],
)
def test_problem(text, reason):
    found = problem(parse(text))
    assert found is None if reason is None else reason in found


@given(st.integers(0, 2**32 - 1))
def test_valid_functions_have_moments(seed):
    graph = activations.sample(np.random.default_rng(seed), valid=True)
    moments = gaussian_moments(graph)
    assert 0 < moments.variance < 2e6
    described = activations.describe(graph)
    assert described["valid"] and described["reason"] is None
    assert described["mean"] == moments.mean


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("relu(x)", "max(x,zero(x))"),
        ("swish(x)", "mul(x,sigmoid(x))"),
        ("log_sigmoid(x)", "negative(softplus(negative(x)))"),
        ("a*relu(x)", "relu(a*x)"),
        ("a*mul(b*x,tanh(x))", "b*mul(x,a*tanh(x))"),
        ("relu(a*square(x))", "a*square(x)"),
        ("tanh(zero(a*x))", "zero(x)"),
        ("add(x,zero(a*x))", "x"),
        ("reciprocal(x)", "div(one(x),x)"),
    ],
)
def test_equal_functions_are_found(first, second):
    distinct = Distinct()
    assert distinct.add(parse(first))
    assert distinct.find_or_add(parse(second)) == first
    assert len(distinct) == 1


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("relu(x)", "a*relu(x)"),
        ("tanh(a*x)", "a*tanh(x)"),
        ("relu(x)", "softplus(x)"),
        ("erf(x)", "tanh(x)"),
        ("a*swish(x)", "a*swish(b*x)"),
        ("reciprocal(x)", "reciprocal(abs(x))"),
    ],
)
def test_different_functions_stay_apart(first, second):
    distinct = Distinct()
    assert distinct.add(parse(first))
    assert distinct.add(parse(second))


@given(st.integers(0, 2**32 - 1), st.floats(-0.99, 0.99))
def test_no_bucket_border_tears_equal_functions_apart(seed, share):
    distinct = Distinct()
    graph = activations.sample(np.random.default_rng(seed), valid=True, max_parameters=0)
    values = fingerprint(graph)
    moved = values + share * distinct.tolerance
    distinct.add(graph)
    assert distinct._find(moved) == 0


def test_the_unary_catalogue():
    found = catalogue(enumerate_form("unary"))
    assert found.total == 729
    assert found.usable == sum(1 + len(group.duplicates) for group in found.groups)
    assert 540 <= found.usable <= 580
    assert 450 <= len(found.groups) <= 480
    groups = {str(group.graph): {str(graph) for graph in group.duplicates} for group in found.groups}
    assert "relu(relu(x))" in next(
        equal | {first}
        for first, equal in groups.items()
        if first == "identity(relu(x))" or "identity(relu(x))" in equal
    )


def test_the_binary_form_has_5103_functions():
    graphs = list(enumerate_form("binary"))
    assert len(graphs) == len(set(graphs)) == 5103
    assert str(graphs[0]) == "add(zero(x),zero(x))"


def test_unknown_form():
    with pytest.raises(activations.ActivationError, match="form must be"):
        next(enumerate_form("ternary"))
