"""The signal figure of a report is measured on the network that the spec describes."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from gondwana.autoinit.diagnostics.measure import Measurement
from gondwana.nas.candidate import Candidate, Outcome, State
from gondwana.nas.report.page.page import Figures
from gondwana.nas.report.report import load_run
from gondwana.nas.report.sections.signals import signals, variances
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
