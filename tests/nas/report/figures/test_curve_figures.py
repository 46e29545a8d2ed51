"""The learning curves of a report."""

from __future__ import annotations

from pathlib import Path

from gondwana.nas.candidate import Candidate, Outcome, State
from gondwana.nas.report.figures.curve_figures import BEST, learning_curves
from gondwana.nas.report.report import load_run, render
from tests.helpers.runs import comparison_config, spec, write_run


def made(path: Path, count: int, *, curves: bool = True, continues: int | None = None) -> Path:
    candidates = [
        Candidate(
            i,
            0,
            spec("relu(x)", "autoinit", i),
            {"continues": continues} if i == count - 1 and continues is not None else {},
        )
        for i in range(count)
    ]
    outcomes = [
        Outcome(
            i,
            State.COMPLETED,
            0.5 + 0.01 * i,
            curve=tuple({"epoch": e, "val_fitness": 0.01 * i + 0.1 * e} for e in (1, 2)) if curves else (),
        )
        for i in range(count)
    ]
    return write_run(path, {**comparison_config(True), "name": "curves"}, candidates, outcomes)


def test_the_best_have_lines_of_their_own_and_the_others_share_one(tmp_path):
    figure = learning_curves(load_run(made(tmp_path / "run", 8)))
    names = [line.name for line in figure.data]
    assert names == ["3 others", *(f"candidate {i}" for i in (7, 6, 5, 4, 3))]
    others = figure.data[0]
    assert list(others.x) == [1, 2, None] * 3  # gaps between the lines
    assert list(figure.data[1].y) == [0.17, 0.27]
    assert len(names) == BEST + 1


def test_a_training_that_went_on_is_drawn_once(tmp_path):
    figure = learning_curves(load_run(made(tmp_path / "run", 3, continues=0)))
    assert [line.name for line in figure.data] == ["candidate 2", "candidate 1"]


def test_a_run_without_curves_has_no_figure_and_no_section(tmp_path):
    run = load_run(made(tmp_path / "run", 3, curves=False))
    assert learning_curves(run) is None
    assert "Learning curves" not in render(run)
    assert "Learning curves" in render(load_run(made(tmp_path / "with", 3)))


def test_a_network_in_several_rungs_counts_once_in_its_generation(tmp_path):
    values = load_run(made(tmp_path / "run", 3, continues=0)).by_generation()
    assert values == {0: [0.51, 0.52]}
