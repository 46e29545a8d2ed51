"""The Pareto front of a report is the front, and says which candidates are on it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from gondwana.nas.candidate import Candidate, Outcome, State
from gondwana.nas.report.data.run_data import RunData
from gondwana.nas.report.page.page import Figures
from gondwana.nas.report.report import load_run, render
from gondwana.nas.report.sections.pareto import (
    COSTS,
    front_of,
    measured,
    objectives_of,
    pareto,
    pareto_figure,
    size,
    volume_figures,
)
from tests.helpers.runs import HOSTILE, spec, write_run

#: fitness, parameters, seconds of training; those on the front of fitness and parameters are 0, 2 and 4.
FIGURES = [
    (0.90, 1000, 2.0),
    (0.85, 1500, 1.0),
    (0.95, 90_000, 9.0),
    (0.90, 2000, 3.0),
    (0.10, 500, 0.5),
    (0.10, 700, 0.4),
]


def make(path: Path, objectives: list[str]) -> RunData:
    candidates, outcomes = [], []
    for number, (fitness, parameters, seconds) in enumerate(FIGURES):
        origin = {"blueprint": number, "modules": {"0": HOSTILE}}
        candidates.append(Candidate(number, number // 3, spec("relu(x)", "autoinit", number), origin))
        state = State.DIVERGED if fitness == 0.1 else State.COMPLETED
        reason = None if state is State.COMPLETED else "loss"
        outcomes.append(
            Outcome(
                number, state, fitness, parameters=parameters, seconds={"trained": seconds}, reason=reason
            )
        )
    more = len(FIGURES)
    candidates += [Candidate(more + i, 2, spec("relu(x)", "autoinit", more + i)) for i in range(2)]
    outcomes.append(Outcome(more, State.TIMED_OUT, reason="slow", seconds={"trained": 0.1}))
    outcomes.append(Outcome(more + 1, State.DUPLICATE, 0.95, parameters=90_000, reason="2", duplicate_of=2))
    config = {"name": "two", "search": {"kind": "codeepneat", "objectives": objectives}}
    return load_run(write_run(path / "run", config, candidates, outcomes))


def ids(trials: list) -> list[int]:
    return [trial.candidate.id for trial in trials]


@pytest.mark.parametrize(
    ("objectives", "front"),
    [
        (["fitness", "parameters"], [2, 0, 4]),
        (["fitness", "training_seconds"], [2, 0, 1, 5]),
        (["fitness", "parameters", "training_seconds"], [2, 0, 1, 4, 5]),
    ],
)
def test_the_front_holds_what_no_other_dominates(
    tmp_path: Path, objectives: list[str], front: list[int]
) -> None:
    run = make(tmp_path, objectives)
    points = measured(run, objectives_of(run))
    assert ids(points) == list(range(len(FIGURES))), "failures and duplicates are left out"
    assert ids(front_of(points, objectives)) == front


def test_the_figure_marks_the_front_and_names_candidates(tmp_path: Path) -> None:
    run = make(tmp_path, ["fitness", "parameters"])
    points = measured(run, ("fitness", "parameters"))
    figure = pareto_figure("accuracy", points, front_of(points, ("fitness", "parameters")), "parameters")
    dominated, front = figure.data
    assert (front.name, list(front.x), list(front.y)) == (
        "Pareto front",
        [500, 1000, 90_000],
        [0.1, 0.9, 0.95],
    )
    assert sorted(dominated.x) == [700, 1500, 2000]
    assert "candidate 2, generation 0" in front.text[2] and "90,000 parameters" in front.text[2]
    assert "blueprint 2" in front.text[2] and "<script" not in front.text[2] and "&lt;" in front.text[2]
    assert figure.layout.xaxis.type == "log" and figure.layout.xaxis.title.text == "parameters"


def test_a_report_has_the_front_when_there_are_several_objectives(tmp_path: Path) -> None:
    text = render(make(tmp_path, ["fitness", "parameters", "training_seconds"]))
    assert "Pareto front" in text and "seconds of training" in text
    assert "6 networks, 5 of which" in text


def test_a_run_with_one_objective_has_none(tmp_path: Path) -> None:
    run = make(tmp_path, ["fitness"])
    assert pareto(run, Figures()) == ""
    assert "Pareto front" not in render(run)
    assert objectives_of(RunData(tmp_path, "x", {"search": 3}, 0.0, None, ())) == ("fitness",)
    inner = {"search": {"kind": "side_by_side", "evolution": {"objectives": ["fitness", "parameters"]}}}
    assert objectives_of(RunData(tmp_path, "x", inner, 0.0, None, ())) == ("fitness", "parameters")


def test_a_run_with_one_objective_shows_size_and_time_all_the_same(tmp_path: Path) -> None:
    shown = Figures()
    assert str(size(make(tmp_path, ["fitness"]), shown))
    assert [next(iter(f["layout"]["xaxis"]["title"].values())) for f in shown.content().values()] == list(
        COSTS.values()
    )
    assert str(size(make(tmp_path / "two", ["fitness", "parameters", "training_seconds"]), Figures())) == ""


def test_the_hypervolume_is_drawn_over_the_generations(tmp_path: Path):
    run = make(tmp_path, ["fitness", "parameters"])
    assert volume_figures(run) == []
    history = [{"generation": 0, "hypervolume": 0.2}, {"generation": 1, "hypervolume": 0.3}]
    run = replace(run, snapshots={2: {"history": history}})
    (figure,) = volume_figures(run)
    assert list(figure.data[0].y) == [0.2, 0.3]
    assert "Hypervolume of the front so far" in pareto(run, Figures())
