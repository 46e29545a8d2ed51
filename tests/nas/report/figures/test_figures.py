"""The figures hold the numbers that they are said to hold."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import plotly.graph_objects as go
import pytest

from gondwana.nas.candidate import Candidate, Outcome, State
from gondwana.nas.report.data.compare_run import compare_run
from gondwana.nas.report.data.run_data import RunData
from gondwana.nas.report.figures import figures
from gondwana.nas.report.page.page import Figures
from gondwana.nas.report.report import load_run
from gondwana.nas.statistics import compare
from tests.helpers.runs import HOSTILE, spec, write_run


def trace(figure: go.Figure, name: str) -> go.Scatter:
    found = [item for item in figure.data if item.name == name]
    assert len(found) == 1, [item.name for item in figure.data]
    return found[0]


@pytest.fixture
def run(evolution: Path) -> RunData:
    return load_run(evolution)


def test_fitness_over_generations_shows_best_mean_and_best_so_far(run: RunData) -> None:
    figure = figures.fitness_over_generations(run)
    values = run.by_generation()
    assert list(trace(figure, "best").y) == [max(v) for v in values.values()]
    assert list(trace(figure, "mean").y) == pytest.approx([np.mean(v) for v in values.values()])
    assert list(trace(figure, "best so far").y) == list(np.maximum.accumulate(trace(figure, "best").y))


def test_failures_have_no_fitness_and_do_not_move_the_mean(run: RunData) -> None:
    crashed = {o.candidate_id for o in run.outcomes if o.state is State.CRASHED}
    assert crashed
    assert sum(map(len, run.by_generation().values())) == 18 - 4


def test_states_are_counted(run: RunData) -> None:
    bars = figures.states(run).data[0]
    assert dict(zip(bars.y, bars.x, strict=True))["out of memory"] == 1
    assert sum(bars.x) == 18


def test_phases_leave_out_what_the_cache_answered(run: RunData) -> None:
    marks = {mark.name: mark for mark in figures.seconds_by_phase(run).data}
    assert list(marks) == ["queued", "built", "initialized", "trained", "scored"]
    assert len(run.seconds()["trained"]) == 18 - 4 - 1


def test_the_edf_is_the_share_of_results_with_a_smaller_error() -> None:
    groups = {"a": [0.9, 0.8, 0.8, 0.1], "b": [0.95, 0.9, 0.85, 0.5]}
    comparison = compare(groups)
    figure = figures.error_edf(comparison)
    for name, values in groups.items():
        line = trace(figure, name)
        errors = 100 * (1 - np.array(values))
        for x, share in zip(line.x, line.y, strict=True):
            assert share == pytest.approx(np.mean(errors <= x + 1e-9)), (name, x)
    assert f"D(a, b) = {comparison.pairs[0].ks_d:.3f}" in figure.layout.annotations[0].text


def test_a_metric_that_is_no_accuracy_is_drawn_as_it_is_and_named() -> None:
    groups = {"a": [0.9, -0.2, 0.8], "b": [0.95, 0.9, 0.85]}
    figure = figures.error_edf(compare(groups), "r2 score")
    line = trace(figure, "a")
    assert (list(line.x), list(line.y)) == ([-0.2, 0.8, 0.9], pytest.approx([1 / 3, 2 / 3, 1.0]))
    assert figure.layout.xaxis.title.text == "r2 score"
    assert "accuracy" not in figures.distributions(compare(groups), metric="r2 score").layout.yaxis.title.text


def test_points_of_a_paired_figure_are_the_subjects_with_both_results(
    make_comparison: Callable[..., Path],
) -> None:
    result = compare_run(load_run(make_comparison()))
    figure = figures.paired_scatter("glorot_uniform", "autoinit", result.values, result.texts["autoinit"])
    finite = [
        (a, b)
        for a, b in zip(result.values["glorot_uniform"], result.values["autoinit"], strict=True)
        if a is not None and b is not None
    ]
    assert len(figure.data[0].x) == len(finite)


def test_species_are_stacked_by_generation(tmp_path: Path) -> None:
    def snapshot(sizes: dict[str, int]) -> dict:
        species = {name: {"members": list(range(n)), "best": n / 10} for name, n in sizes.items()}
        return {"modules": {"species": species}}

    candidate = Candidate(0, 0, spec("relu(x)", "autoinit"))
    path = write_run(tmp_path / "r", {"name": "n"}, [candidate], [Outcome(0, State.COMPLETED, fitness=0.5)])
    run = RunData(
        **{
            **vars(load_run(path)),
            "snapshots": {0: snapshot({"0": 3}), 1: snapshot({"0": 1, HOSTILE: 2})},
        }
    )
    figure = figures.species_over_time(run, "modules")
    assert figure is not None
    assert [list(item.y) for item in figure.data] == [[3, 1], [0, 2]]
    assert "<img" not in figure.data[1].name
    assert figures.species_over_time(run, "blueprints") is None
    best = figures.species_fitness(run, "modules")
    assert best is not None
    assert list(best.data[1].x) == [1]


def test_labels_cannot_hold_tags_and_are_cut() -> None:
    assert figures.label("<b>x</b>") == "&lt;b&gt;x&lt;/b&gt;"
    assert figures.label("a" * 100, 10) == "a" * 9 + "…"


def test_phases_show_median_and_percentiles(tmp_path: Path) -> None:
    seconds = np.random.default_rng(0).exponential(1, 500)
    candidates = [Candidate(i, 0, {"seed": i}) for i in range(500)]
    outcomes = [
        Outcome(i, State.COMPLETED, fitness=0.5, seconds={"trained": float(s)}) for i, s in enumerate(seconds)
    ]
    run = load_run(write_run(tmp_path / "r", {"name": "n"}, candidates, outcomes))
    (mark,) = figures.seconds_by_phase(run).data
    low, median, high = np.quantile(seconds, (0.1, 0.5, 0.9))
    assert list(mark.x) == pytest.approx([median])
    assert list(mark.error_x.array) == pytest.approx([high - median])
    assert list(mark.error_x.arrayminus) == pytest.approx([median - low])


def test_distributions_show_every_result_and_the_quartiles() -> None:
    groups = {"a": [0.9, 0.8, 0.7, 0.1], HOSTILE: [0.95, 0.9, 0.85, 0.5]}
    figure = figures.distributions(compare(groups))
    points, box, *_ = figure.data
    assert sorted(points.y) == sorted(groups["a"])
    assert len({*points.x}) == 4 and all(abs(x) <= 0.3 for x in points.x)
    assert list(box.y)[-2:] == pytest.approx([np.median(groups["a"])] * 2)
    assert figure.layout.xaxis.ticktext[0] == "a"
    assert "<img" not in str(figure.layout.xaxis.ticktext)


def test_a_kind_of_figure_that_the_page_cannot_draw_is_refused() -> None:
    with pytest.raises(ValueError, match=r"traces are of scatter, bar. Received: box"):
        Figures().add(go.Figure(go.Box(y=[1.0])), "title")


def test_fitness_over_seconds_rises_from_the_start_in_the_order_of_the_record(run: RunData) -> None:
    figure = figures.fitness_over_seconds(run)
    assert figure is not None
    points, best = figure.data
    assert len(points.x) == 14 and min(points.x) >= 0 and list(points.x) == sorted(points.x)
    assert list(best.y) == list(np.maximum.accumulate(points.y))
    assert figures.fitness_over_seconds(replace(run, recorded={})) is None
