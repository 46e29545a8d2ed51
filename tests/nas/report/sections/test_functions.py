"""Formulas and curves of activation functions in the report."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest

from gondwana import activations
from gondwana.nas.candidate import Candidate, Outcome, State
from gondwana.nas.report.page.formula import MAXIMUM_OPERATORS, formula
from gondwana.nas.report.page.page import Figures
from gondwana.nas.report.report import load_run
from gondwana.nas.report.sections.functions import best_functions, curves
from tests.helpers.runs import spec, write_run


@pytest.mark.parametrize("name", [*activations.PANGAEA.unary, *activations.PANGAEA.binary])
def test_every_operator_has_a_formula_that_is_well_formed(name: str) -> None:
    text = f"{name}(x)" if name in activations.PANGAEA.unary else f"{name}(x,elu(x))"
    tree = ElementTree.fromstring(formula(activations.parse(text)))
    assert tree.tag == "math"
    assert len(list(tree.iter())) > 1


def test_a_piecewise_function_is_shown_by_cases_with_short_numbers() -> None:
    markup = formula(activations.parse("a*selu(x)"))
    assert "<mtable" in markup
    assert "otherwise" in markup
    assert "piecewise" not in markup.lower()
    assert "1.0507<" in markup


def test_a_huge_function_is_shown_as_text() -> None:
    text = "tanh(" * (MAXIMUM_OPERATORS + 1) + "x" + ")" * (MAXIMUM_OPERATORS + 1)
    assert formula(activations.parse(text)) == f"<code>{text}</code>"


def test_curves_show_the_function_at_initialization_and_what_its_factors_reach() -> None:
    figure = curves(activations.parse("a*relu(x)"))
    *shapes, start = figure.data
    assert np.array_equal(np.array(start.y, dtype=float), np.maximum(np.array(start.x), 0.0))
    slopes = [shape.y[-1] / shape.x[-1] for shape in shapes]
    assert len(slopes) == 12
    assert all(0.5 <= slope <= 2 for slope in slopes)
    assert len(curves(activations.parse("relu(x)")).data) == 1


def test_poles_are_gaps() -> None:
    assert None in curves(activations.parse("div(x,zero(x))")).data[0].y


def test_the_best_functions_are_listed_once_and_without_the_baseline(tmp_path: Path) -> None:
    texts = ["relu(x)", "elu(x)", "elu(x)", "tanh(x)", "no function"]
    origins = [{"role": "baseline"}, *[{"role": "function"}] * 4]
    candidates = [
        Candidate(i, 0, spec(t, "autoinit", i), o)
        for i, (t, o) in enumerate(zip(texts, origins, strict=True))
    ]
    outcomes = [Outcome(i, State.COMPLETED, fitness=1 - i / 10) for i in range(5)]
    config = {"name": "n", "search": {"kind": "random"}}
    run = load_run(write_run(tmp_path / "run", config, candidates, outcomes))
    shown = Figures()
    markup = best_functions(run, shown)
    assert len(shown) == 2
    assert markup.index("1. fitness 0.9000, candidate 1") < markup.index("2. fitness 0.7000, candidate 3")
    assert "no function cannot be shown" in markup
