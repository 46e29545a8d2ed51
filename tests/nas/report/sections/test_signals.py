"""The signal figure of a report is measured on the network that the spec describes."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from gondwana.autoinit.diagnostics.measure import Measurement
from gondwana.nas.candidate import Candidate, Outcome, State
from gondwana.nas.report.page.page import Figures
from gondwana.nas.report.report import load_run
from gondwana.nas.report.sections.signals import explanation, signals, variances
from tests.helpers.runs import spec, write_run


def report_of(tmp_path: Path, activation: str) -> tuple[str, int]:
    candidate = Candidate(0, 0, spec(activation, "autoinit"))
    config = {"name": "n", "search": {"kind": "random"}}
    run = load_run(
        write_run(tmp_path / "run", config, [candidate], [Outcome(0, State.COMPLETED, fitness=0.9)])
    )
    shown = Figures()
    return signals(run, shown), len(shown)


def test_the_best_network_is_measured_with_its_strategy_and_the_default(tmp_path: Path) -> None:
    markup, figures = report_of(tmp_path, "tanh(x)")
    assert figures == 1
    assert "candidate 0 before training" in markup


def test_a_network_that_cannot_be_built_is_a_note(tmp_path: Path) -> None:
    markup, figures = report_of(tmp_path, "no <function>")
    assert figures == 0
    assert "cannot be built here" in markup
    assert "<function>" not in markup


def test_overflows_are_gaps() -> None:
    layers = [
        Measurement("a", "Dense", np.zeros(1), np.array([value])) for value in (1.0, np.inf, np.nan, 0.0, 2.0)
    ]
    assert list(variances({"autoinit": layers}).data[0].y) == [1.0, None, None, None, 2.0]


def test_the_target_has_a_line_and_layers_have_names() -> None:
    layers = [Measurement("node1_module1_conv2d1", "Conv2D", np.zeros(1), np.array([2.0]))]
    figure = variances({"autoinit": layers})
    assert [(shape.y0, shape.y1) for shape in figure.layout.shapes] == [(1, 1)]
    assert list(figure.layout.xaxis.ticktext) == ["module1_conv2d1"]
    assert [(text.text, text.y) for text in figure.layout.annotations] == [("target", 0)], (
        "10^0 is the target"
    )


def test_the_sentence_tells_the_range_of_layers_with_weights() -> None:
    kinds = {"Conv2D": 0.9, "MaxPooling2D": 0.3, "Dense": 1.2}
    layers = [Measurement(kind, kind, np.zeros(1), np.array([value])) for kind, value in kinds.items()]
    assert "with autoinit 0.9 to 1.2." in explanation({"autoinit": layers})


def test_the_network_is_measured_before_its_activation_functions(tmp_path: Path) -> None:
    candidate = Candidate(0, 0, spec("relu(x)", "autoinit"))
    outcome = Outcome(0, State.COMPLETED, fitness=0.9)
    shown = Figures()
    run = load_run(
        write_run(tmp_path / "run", {"name": "n", "search": {"kind": "random"}}, [candidate], [outcome])
    )
    signals(run, shown)
    (figure,) = shown.content().values()
    autoinit, default = figure["data"][:2]
    sizes = autoinit["marker"]["size"]
    weighted = [value for value, size in zip(autoinit["y"], sizes, strict=True) if size == max(sizes)]
    assert all(0.2 < value < 2 for value in weighted)  # the paper's formulas, which ignore the padding
    assert len(weighted) == 5 and max(autoinit["y"]) == max(weighted)
    assert max(default["y"]) < 0.2
