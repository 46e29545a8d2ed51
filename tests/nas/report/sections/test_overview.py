"""The first screen answers: what was found, is it better than the baseline and how sure is that, what do I do next."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from gondwana.nas.candidate import Candidate, Outcome, State
from gondwana.nas.delivery import predictor
from gondwana.nas.engine.log import RunLog
from gondwana.nas.report.report import load_run, write_report
from gondwana.nas.report.sections.overview import CONFIG, PREDICTOR, overview
from tests.helpers.runs import HOSTILE, spec, write_run
from tests.nas.report.test_report import Document, without_plotly


def analysis(low: float, high: float) -> dict:
    linear = {"name": "linear model", "note": "n", "fitness": 0.9, "interval": [0.85, 0.95]}
    return {
        "rows": 300,
        "all_rows": 300,
        "validation": {"fitness": 0.93, "interval": [0.9, 0.96]},
        "baselines": [linear | {"difference": [low, high]}],
    }


def text_of(run) -> str:
    return " ".join(Document(str(overview(run))).text.split())


@pytest.mark.parametrize(
    ("low", "high", "said"),
    [
        (0.01, 0.05, "Better than the linear model"),
        (-0.05, -0.01, "Worse than the linear model"),
        (-0.01, 0.05, "Not shown to be better or worse than the linear model"),
    ],
)
def test_the_verdict_rests_on_the_interval_of_the_difference(
    evolution: Path, low: float, high: float, said: str
) -> None:
    text = text_of(replace(load_run(evolution), analysis=analysis(low, high)))
    assert said in text
    assert f"{low:+.4f} to {high:+.4f}" in text
    assert "0.9000 to 0.9600" in text and "0.8500 to 0.9500" in text


@pytest.mark.parametrize(
    ("low", "high", "said"),
    [
        (0.96, 0.99, "better than the linear model on validation rows too"),
        (0.7, 0.8, "worse than the linear model"),
        (0.9, 0.97, "not shown to be better than the linear model on validation rows: the intervals overlap"),
    ],
)
def test_rows_that_chose_the_network_are_not_the_last_word(
    evolution: Path, low: float, high: float, said: str
) -> None:
    run = load_run(evolution)
    metrics = {"test_fitness": 0.9, "test_fitness_low": low, "test_fitness_high": high}
    final = replace(run.finals[0], outcome=replace(run.finals[0].outcome, metrics=metrics))
    text = text_of(replace(run, analysis=analysis(0.01, 0.05), finals=(final,)))
    assert f"On test rows it is {said}" in text
    assert f"{low:.4f} to {high:.4f}" in text


def test_found_cost_and_next_steps(evolution: Path) -> None:
    text = text_of(load_run(evolution))
    assert "The best of 14 networks is candidate 1" in text
    assert "4 failed, 1 diverged" in text
    for command in ("gondwana best", "load_network", "gondwana export", "gondwana report"):
        assert command in text
    assert "gondwana resume" not in text and "gondwana predict" not in text
    (evolution / PREDICTOR).touch()
    assert "gondwana predict" in text_of(load_run(evolution))
    assert "No baseline is known yet" in text


def test_a_finished_evolution_can_be_searched_for_longer(evolution: Path) -> None:
    run = load_run(evolution)
    run = replace(run, config={**run.config, "generations": 3}, finished=run.created + 9)
    assert "search four times" not in text_of(run)
    (evolution / CONFIG).write_text("name: n\n")
    assert f"gondwana evolve {evolution / CONFIG} --set generations=12" in text_of(run)
    assert "search four times" not in text_of(replace(run, finished=None))


def test_a_run_under_way_says_how_to_go_on(make_comparison: Callable[..., Path]) -> None:
    text = text_of(load_run(make_comparison(told=3)))
    assert "gondwana resume" in text and "so far" in text


def test_a_run_without_a_result_says_so(make_comparison: Callable[..., Path]) -> None:
    assert "No candidate has a result yet" in text_of(load_run(make_comparison(told=0)))


def test_what_the_checks_of_the_data_found_stands_first(evolution: Path) -> None:
    log = RunLog(evolution, "id")
    for _ in range(2):  # a run that was resumed
        log.write("data", note=f"warning: 3 of 9 rows {HOSTILE}")
    log.close()
    markup = str(overview(load_run(evolution)))
    assert markup.count("Look at your data first") == 1
    assert "onerror=alert(1)>" not in markup
    assert "warning: 3" not in markup


def written(folder: Path, task: str) -> tuple[Path, str]:
    """Return a run of one candidate on a task, and the text of its report."""
    config = {"name": "n", "task": {"name": task}, "search": {"kind": "random"}}
    candidates = [Candidate(0, 0, spec("relu(x)", "autoinit"))]
    path = write_run(folder / "run", config, candidates, [Outcome(0, State.COMPLETED, 0.99)])
    return path, Document(without_plotly(write_report(path).read_text(encoding="utf-8"))).text


def test_baselines_are_fitted_once_and_kept(tmp_path: Path) -> None:
    path, text = written(tmp_path, "digits")
    assert "linear model, validation" in text
    kept = json.loads((path / "analysis.json").read_text(encoding="utf-8"))
    constant, linear = kept["baselines"]
    assert constant["fitness"] < 0.2 and 0.9 < linear["fitness"] < 1
    assert "answers" not in kept  # no network is saved
    before = (path / "analysis.json").stat().st_mtime_ns
    write_report(path)
    assert (path / "analysis.json").stat().st_mtime_ns == before


def test_a_task_that_is_not_here_is_said_and_the_report_is_written(tmp_path: Path) -> None:
    path, text = written(tmp_path, "somebodys-own")
    assert "No baseline is known: the data are not at hand" in text
    assert not (path / "analysis.json").exists()


def test_the_name_of_the_predictor_is_what_is_written() -> None:
    assert predictor.PREDICTOR == PREDICTOR
