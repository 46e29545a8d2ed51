"""The page of results that a benchmark writes from a run: complete for every kind, text by hand kept."""

from __future__ import annotations

import importlib.util
import os
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest

from gondwana.nas.candidate import Candidate, Outcome, State
from gondwana.nas.report.report import load_run
from tests.helpers.runs import spec, write_run


@pytest.fixture
def results(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.setattr(os, "environ", os.environ.copy())
    file = Path(__file__).resolve().parents[3] / "benchmarks" / "paper" / "results.py"
    found = importlib.util.spec_from_file_location("results_page", file)
    assert found is not None and found.loader is not None
    module = importlib.util.module_from_spec(found)
    monkeypatch.setitem(sys.modules, "results_page", module)
    found.loader.exec_module(module)
    return module


def sweep_run(path: Path) -> Path:
    points = [{"training.learning_rate": 0.1}, {"training.learning_rate": 0.2}, {"activation": "elu(x)"}]
    candidates, outcomes = [], []
    for number, changes in enumerate(points):
        for position, strategy in enumerate(("he_normal", "autoinit")):
            text = ", ".join(f"{key}={value}" for key, value in changes.items())
            origin = {"strategy": strategy, "point": number, "changes": changes, "text": text}
            candidates.append(Candidate(len(candidates), 0, spec("relu(x)", strategy, number), origin))
            failed = (number, position) == (1, 0)
            outcomes.append(
                Outcome(
                    len(outcomes),
                    State.DIVERGED if failed else State.COMPLETED,
                    0.1 if failed else 0.5 + 0.1 * position,
                    reason="not finite" if failed else None,
                )
            )
    axes = [
        {"key": "training.learning_rate", "values": [0.1, 0.2]},
        {"key": "activation", "values": ["elu(x)"]},
    ]
    config = {
        "name": "s",
        "task": {"name": "digits"},
        "search": {"kind": "sweep", "axes": axes, "margin": 0.02},
    }
    return write_run(path, config, candidates, outcomes)


def test_a_sweep_has_a_row_for_each_point_and_keeps_what_was_written_by_hand(
    results: ModuleType, tmp_path: Path
) -> None:
    run, out = load_run(sweep_run(tmp_path / "run")), tmp_path / "s"
    results.write(run, out)
    page = out.with_suffix(".md")
    text = page.read_text(encoding="utf-8")
    assert "| training.learning_rate=0.2 | untrained | 0.600 |" in text
    assert "6 trainings, 5 completed, 1 diverged" in text
    page.write_text(text + "\nMy remark.\n", encoding="utf-8")
    results.write(run, out)
    assert page.read_text(encoding="utf-8").endswith("My remark.\n")
    assert out.with_suffix(".svg").stat().st_size > 1000
    assert "he_normal,1,training.learning_rate=0.2,nan" in out.with_suffix(".csv").read_text(encoding="utf-8")


def test_a_comparison_has_its_verdicts(
    results: ModuleType, make_comparison: Callable[..., Path], tmp_path: Path
) -> None:
    run = load_run(make_comparison())
    results.write(run, tmp_path / "c")
    text = (tmp_path / "c.md").read_text(encoding="utf-8")
    assert text.count("(Wilcoxon signed-rank, Holm-corrected)") == 2 * 3
    assert "gondwana compare configs/paper/compare.yaml --data-dir DATA" in text
