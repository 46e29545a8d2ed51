"""LaTeX, SymPy, analysis under a time limit, pictures."""

from __future__ import annotations

import time

import numpy as np
import pytest
import sympy as sp
from hypothesis import given, settings
from hypothesis import strategies as st

from gondwana import activations
from gondwana.activations import parse
from gondwana.activations.study import pictures
from gondwana.activations.study.calculus import TimeLimitError, analyse, numeric_limit, time_limit
from gondwana.activations.study.symbolic import X, latex, parameter_symbols, to_sympy


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("x", "x"),
        ("a*x", r"\alpha \cdot x"),
        ("add(x,negative(x))", r"x + \left(-x\right)"),
        ("sub(x,add(x,x))", r"x - \left(x + x\right)"),
        ("mul(add(x,x),x)", r"\left(x + x\right) \cdot x"),
        ("square(add(x,x))", r"{\left(x + x\right)}^{2}"),
        ("pow(exp(x),x)", r"{\left(e^{x}\right)}^{x}"),
        ("div(one(x),sub(x,x))", r"\frac{1}{x - x}"),
        ("a*sigmoid(sub(b*abs(x),arctan(c*x)))",
         r"\alpha \cdot \sigma\left(\beta \cdot \left|x\right| - \arctan\left(\gamma \cdot x\right)\right)"),
        ("a*add(x,x)", r"\alpha \cdot \left(x + x\right)"),
        ("max_n(x,relu(x),one(x))", r"\max\left(x, \operatorname{ReLU}\left(x\right), 1\right)"),
        ("sum_n(x,sub(x,x),x)", r"x + \left(x - x\right) + x"),
    ],
)  # fmt: skip
def test_latex(text, expected):
    assert latex(parse(text)) == expected


@given(st.integers(0, 2**32 - 1))
def test_latex_is_balanced(seed):
    text = latex(activations.sample(np.random.default_rng(seed)))
    assert text.count("{") == text.count("}")
    assert text.count(r"\left") == text.count(r"\right")
    assert "#" not in text


@settings(max_examples=40)
@given(st.integers(0, 2**32 - 1))
def test_sympy_and_numpy_agree(seed):
    rng = np.random.default_rng(seed)
    graph = activations.sample(rng, valid=True)
    factors = rng.uniform(0.5, 2, graph.parameters)
    for point in (-1.3, 0.7):
        expected = float(graph(point, list(factors)))
        if not np.isfinite(expected):
            continue
        values = dict(zip(parameter_symbols(graph), map(sp.Float, factors), strict=True))
        value = complex(sp.N(to_sympy(graph).subs({X: sp.Float(point), **values})))
        assert value == pytest.approx(expected, rel=1e-8, abs=1e-9)


def test_analysis():
    found = analyse(parse("a*swish(b*x)"))
    a, b = parameter_symbols(parse("a*swish(b*x)"))
    assert sp.simplify(found.expression - a * b * X / (1 + sp.exp(-b * X))) == 0
    assert sp.simplify(found.derivative - sp.diff(found.expression, X)) == 0
    assert (found.lower, found.upper) == (0, sp.oo)
    assert analyse(parse("one(x)")).derivative == 0


def test_simplification_finds_the_short_form():
    assert analyse(parse("add(x,sub(x,x))")).simplified == X


@pytest.mark.parametrize(
    ("text", "side", "expected"),
    [
        ("tanh(x)", 1, 1),
        ("tanh(x)", -1, -1),
        ("exp(x)", -1, 0),
        ("exp(x)", 1, sp.oo),
        ("negative(square(x))", 1, -sp.oo),
        ("max(relu(x),cosh(elu(x)))", 1, sp.oo),
        ("pow(x,sigmoid(x))", -1, None),
        ("arcsinh(x)", 1, None),  # too slow to tell from numbers
    ],
)
def test_numeric_limits(text, side, expected):
    found = numeric_limit(parse(text), side)
    assert (None if found is None else float(found)) == (None if expected is None else float(expected))


def test_analysis_of_what_sympy_cannot_write():
    found = analyse(parse("max(x,reciprocal(zero(x)))"))
    assert (found.expression, found.simplified, found.derivative) == (None, None, None)


def test_time_limit():
    started = time.perf_counter()
    with pytest.raises(TimeLimitError), time_limit(0.1):
        while True:
            pass
    assert time.perf_counter() - started < 2


@pytest.mark.parametrize("ending", ["png", "svg"])
def test_pictures_are_reproducible(tmp_path, ending):
    graphs = [parse("a*swish(b*x)"), parse("reciprocal(x)"), parse("pow(x,sigmoid(x))")]
    files = []
    for name in ("one", "two"):
        path = tmp_path / f"{name}.{ending}"
        pictures.save(pictures.contact_sheet(graphs, columns=2, seed=3), path)
        files.append(path.read_bytes())
    assert files[0] == files[1]
    assert len(files[0]) > 5000


def test_a_picture_shows_initialization_and_reachable_shapes():
    axes = pictures.figure(parse("a*swish(b*x)")).axes[0]
    assert axes.lines[0].get_color() == "tab:red"
    np.testing.assert_allclose(axes.lines[0].get_ydata(), parse("swish(x)")(axes.lines[0].get_xdata()))
    assert len(axes.collections[0].get_segments()) == 20
    assert not pictures.figure(parse("relu(x)")).axes[0].collections


def test_growth_does_not_flatten_a_picture():
    _, top = pictures.figure(parse("exp(exp(x))")).axes[0].get_ylim()
    assert top < 1e5


@pytest.mark.parametrize(("name", "message"), [("a.pdf", "as .png or .svg"), ("a", "as .png or .svg")])
def test_other_endings_are_refused(tmp_path, name, message):
    with pytest.raises(activations.ActivationError, match=message):
        pictures.save(pictures.figure(parse("x")), tmp_path / name)


def test_an_empty_sheet_is_refused():
    with pytest.raises(activations.ActivationError, match="needs a function"):
        pictures.contact_sheet([])
