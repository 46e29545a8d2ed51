"""Several runs: what tells them apart, how they are compared, and the page that shows them."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy import stats

from gondwana.nas.candidate import Candidate, Outcome, State
from gondwana.nas.report.data.compare_run import compare_run
from gondwana.nas.report.data.evolutions import Evolution, evolutions_of, measured
from gondwana.nas.report.data.run_data import RunData, Trial
from gondwana.nas.report.data.several_runs import compare_runs, labels
from gondwana.nas.report.figures.group_figures import mean_by_group
from gondwana.nas.report.report import load_run, render
from gondwana.nas.report.several_report import render_several, write_several
from gondwana.nas.statistics import StatisticsError
from tests.helpers.runs import HOSTILE, SECONDS, spec, write_run
from tests.nas.report.test_report import Document, without_plotly

ENOUGH = 4  # evolutions of each of two groups from which they are compared as wholes


def outcome(number: int, fitness: float | None, state: State = State.COMPLETED) -> Outcome:
    reason = None if state is State.COMPLETED else HOSTILE
    return Outcome(number, state, fitness, seconds=SECONDS, reason=reason, seed=number)


MakeEvolution = Callable[..., Path]


@pytest.fixture
def make_evolution(tmp_path: Path) -> MakeEvolution:
    """Return a maker of runs of three generations of five networks under one strategy."""

    def make(
        strategy: str, seed: int, *, shift: float = 0.0, told: int = 15, task: str = "digits", **search: Any
    ) -> Path:
        rng = np.random.default_rng(seed)
        candidates = [Candidate(n, n // 5, spec("relu(x)", strategy, n), {"parents": []}) for n in range(15)]
        outcomes = [
            outcome(n, 0.7 + shift + 0.05 * (n // 5) + 0.02 * float(rng.random())) for n in range(told)
        ]
        config = {
            "name": f"evolve {HOSTILE}",
            "seed": seed,
            "task": {"name": task, "options": {}},
            "search": {"kind": "codeepneat", "initialization": {"strategy": strategy}, **search},
        }
        return write_run(
            tmp_path / f"{strategy}-{seed}-{len(search)}-{task}",
            config,
            candidates,
            outcomes,
            finished=told == 15,
        )

    return make


@pytest.fixture
def arms_run(tmp_path: Path) -> Callable[..., Path]:
    """Return a maker of a run of ``kind: side_by_side``: two strategies, two generations of three networks."""

    def make(replicates: int = ENOUGH, told: int | None = None) -> Path:
        rng = np.random.default_rng(0)
        candidates: list[Candidate] = []
        outcomes: list[Outcome] = []
        for generation in range(2):
            for replicate in range(replicates):
                for position, strategy in enumerate(("evolved", "autoinit")):
                    for _ in range(3):
                        number = len(candidates)
                        origin = {"strategy": strategy, "replicate": replicate}
                        candidates.append(
                            Candidate(number, generation, spec("relu(x)", strategy, number), origin)
                        )
                        fitness = 0.6 + 0.1 * position + 0.02 * float(rng.random())
                        outcomes.append(outcome(number, fitness))
        strategies = [{"strategy": "evolved"}, {"strategy": "autoinit"}]
        search = {"kind": "side_by_side", "strategies": strategies, "replicates": replicates}
        config = {"name": "arms", "seed": 0, "task": {"name": "digits", "options": {}}, "search": search}
        return write_run(tmp_path / "arms", config, candidates, outcomes[:told], finished=told is None)

    return make


def loaded(paths: Sequence[Path]) -> list[RunData]:
    return [load_run(path) for path in paths]


def test_runs_are_named_by_what_differs_in_their_configs(make_evolution: MakeEvolution) -> None:
    runs = loaded([make_evolution(name, seed) for name in ("evolved", "autoinit") for seed in (0, 1)])
    assert labels(runs) == ["evolved", "evolved", "autoinit", "autoinit"]
    two = loaded([make_evolution("evolved", 5, elitism=0.2), make_evolution("autoinit", 5, elitism=0.4)])
    assert labels(two) == ["elitism=0.2, strategy=evolved", "elitism=0.4, strategy=autoinit"]
    seeds = loaded([make_evolution("autoinit", seed) for seed in (7, 8)])
    assert labels(seeds) == ["autoinit-7-0-digits", "autoinit-8-0-digits"]
    moved = [replace(seeds[0], path=Path(f"/{top}/same")) for top in "ab"]
    assert labels(moved) == ["a/same", "b/same"]


def test_enough_evolutions_are_compared_as_wholes(make_evolution: MakeEvolution) -> None:
    runs = loaded(
        [
            make_evolution(name, seed, shift=0.1 * (name == "autoinit"))
            for name in ("evolved", "autoinit")
            for seed in range(4)
        ]
    )
    result = compare_runs(runs)
    best = {
        name: [max(o.fitness or 0 for o in run.outcomes) for run in part]
        for name, part in (("evolved", runs[:4]), ("autoinit", runs[4:]))
    }
    assert result.unit == "evolution"
    assert result.values == best
    assert result.comparison is not None
    pair = result.comparison.pair("evolved", "autoinit")
    assert pair["Mann-Whitney U"].p == stats.mannwhitneyu(best["autoinit"], best["evolved"]).pvalue
    assert "autoinit is better than evolved" in result.comparison.verdicts()[0]


def test_few_evolutions_are_compared_by_networks_with_a_warning(make_evolution: MakeEvolution) -> None:
    result = compare_runs(loaded([make_evolution("evolved", 0), make_evolution("autoinit", 0)]))
    assert result.unit == "network"
    assert [len(column) for column in result.values.values()] == [15, 15]
    assert "no independent draws" in result.note


@pytest.mark.slow
def test_unfinished_evolutions_are_compared_up_to_where_all_are(make_evolution: MakeEvolution) -> None:
    runs = loaded([make_evolution("evolved", 0), make_evolution("autoinit", 0, told=12)])
    result = compare_runs(runs)
    assert "up to generation 1" in result.note
    assert [len(column) for column in result.values.values()] == [10, 10]


def test_a_generation_that_was_only_partly_asked_for_is_not_complete() -> None:
    trials = tuple(
        Trial(Candidate(n, n // 4, spec("relu(x)", "autoinit", n), {}), outcome(n, 0.5)) for n in range(10)
    )
    assert Evolution("e", trials, finished=False).complete == 1
    assert (
        Evolution("e", trials, finished=True).complete == 2
    )  # the last batch of a finished run may be smaller
    assert Evolution("e", trials[:8], finished=False).complete == 1
    assert Evolution("e", (), finished=False).complete == -1


def test_what_is_counted_for_a_network() -> None:
    states = {
        0: outcome(0, 0.5),
        1: outcome(1, 0.1, State.DIVERGED),
        2: outcome(2, None, State.INVALID),
        3: outcome(3, None, State.CRASHED),
        4: outcome(4, 0.5, State.DUPLICATE),
    }
    trials = tuple(Trial(Candidate(n, 0, spec("relu(x)", "autoinit", n)), o) for n, o in states.items())
    values = [value for _, value in Evolution("e", trials).networks(-1)]
    assert values[0] == 0.5
    assert np.isnan(values[1]) and np.isnan(values[2])
    assert values[3:] == [None]


def test_different_tasks_and_kinds_are_not_compared(
    make_evolution: MakeEvolution, make_comparison: Callable[..., Path]
) -> None:
    digits, mnist = make_evolution("autoinit", 0), make_evolution("autoinit", 0, task="mnist")
    with pytest.raises(StatisticsError, match=r"2 runs cannot be compared: .*different tasks: digits, mnist"):
        compare_runs(loaded([digits, mnist]))
    with pytest.raises(StatisticsError, match="nothing in common: codeepneat, compare"):
        compare_runs(loaded([digits, make_comparison()]))
    page = render_several(loaded([digits, mnist]))
    assert "Nothing is compared. The runs have different tasks" in page


def of_another_seed(run: RunData, asked: int | None = None) -> RunData:
    """Return a run like this one, whose seed has drawn other functions."""

    def other(trial: Trial) -> Trial:
        origin = trial.candidate.origin
        return replace(
            trial, candidate=replace(trial.candidate, origin={**origin, "text": f"abs({origin['text']})"})
        )

    trials = tuple(other(trial) for trial in run.trials[:asked])
    return replace(run, path=Path("/elsewhere"), config={**run.config, "seed": 1}, trials=trials)


def test_the_same_functions_under_two_seeds_are_the_same_subjects(
    make_comparison: Callable[..., Path],
) -> None:
    one = load_run(make_comparison())
    two = replace(one, path=Path("/elsewhere"), config={**one.config, "seed": 1})
    both, alone = compare_runs([one, two]).comparison, compare_run(one).comparison
    assert both is not None and alone is not None
    assert [group.size for group in both.groups] == [group.size for group in alone.groups]
    assert [p[p.primary].p for p in both.pairs] == pytest.approx([p[p.primary].p for p in alone.pairs])


def test_seeds_of_one_comparison_are_pooled_and_stay_paired(make_comparison: Callable[..., Path]) -> None:
    one = load_run(make_comparison())
    two = of_another_seed(one)
    both = compare_runs([one, two])
    alone = compare_run(one)
    assert both.comparison is not None and alone.comparison is not None
    assert both.comparison.paired
    assert list(both.values) == ["glorot_uniform", "autoinit", "autoinit++"]
    assert [group.size for group in both.comparison.groups] == [2 * g.size for g in alone.comparison.groups]
    assert len(both.comparison.pairs) == 3


@pytest.mark.parametrize("asked", [2 + 3 * 10 + 1, 2 + 3 * 10 + 2])
def test_an_unfinished_comparison_stays_paired(make_comparison: Callable[..., Path], asked: int) -> None:
    one = load_run(make_comparison(functions=12))
    both = compare_runs([one, of_another_seed(one, asked)])
    assert both.comparison is not None and both.comparison.paired
    assert {len(column) for column in both.values.values()} == {12 + 11}


def test_comparisons_that_have_just_begun_have_nothing_to_compare(
    make_comparison: Callable[..., Path],
) -> None:
    one = replace(load_run(make_comparison(functions=2)), trials=(), finished=None)
    two = replace(one, path=Path("/other"), config={**one.config, "seed": 1})
    assert "Fewer than two groups have results." in Document(without_plotly(render_several([one, two]))).text


def test_other_configs_of_a_comparison_are_groups_of_their_own(make_comparison: Callable[..., Path]) -> None:
    one = load_run(make_comparison(functions=10))
    other = replace(one, path=Path("/other"), config={**one.config, "training": {"epochs": 9}})
    both = compare_runs([one, other]).comparison
    assert both is not None
    assert [group.name for group in both.groups][::3] == ["none: glorot_uniform", "9: glorot_uniform"]
    assert len(both.pairs) == 15
    smallest = min(pair[pair.primary].p for pair in both.pairs)
    assert min(pair[pair.primary].adjusted for pair in both.pairs) == pytest.approx(min(1.0, 15 * smallest))


def test_a_run_of_arms_is_compared_by_strategy(arms_run: Callable[..., Path]) -> None:
    run = load_run(arms_run())
    assert {name: len(found) for name, found in evolutions_of(run).items()} == {"evolved": 4, "autoinit": 4}
    result = compare_run(run)
    assert result.unit == "evolution"
    assert result.comparison is not None
    assert result.comparison.pairs[0].superiority.estimate == 1.0
    document = Document(without_plotly(render(run)))
    for expected in (
        "Best so far",
        "Mean of each generation",
        "Every network",
        "autoinit is better than evolved",
    ):
        assert expected in document.text, expected


@pytest.mark.parametrize("told", [0, 1, 7, 30])
def test_any_prefix_of_a_run_of_arms_can_be_reported(arms_run: Callable[..., Path], told: int) -> None:
    run = load_run(arms_run(told=told))
    Document(without_plotly(render(run)))
    assert measured(evolutions_of(run)).unit == ("evolution" if told >= 24 else "network")


@pytest.mark.parametrize(
    ("told", "words"),
    [(7, "that the evolutions made so far. Networks"), (24, "network of one evolution up to generation 0.")],
)
def test_it_is_said_how_far_evolutions_are_compared(
    arms_run: Callable[..., Path], told: int, words: str
) -> None:
    assert words in compare_run(load_run(arms_run(told=told))).note


def test_the_spread_of_a_single_evolution_is_that_of_the_one_with_results() -> None:
    trials = tuple(
        Trial(Candidate(n, n // 4, spec("relu(x)", "autoinit", n), {}), outcome(n, 0.5 + n / 100))
        for n in range(8)
    )
    empty, full = Evolution("replicate 0", trials[:0]), Evolution("replicate 1", trials)
    low, high, _ = mean_by_group({"autoinit": [empty, full]}, "accuracy").data
    assert len(low.y) == len(high.y) == len(low.x) == 2


@pytest.fixture
def page(make_evolution: MakeEvolution, tmp_path: Path) -> str:
    paths = [make_evolution(name, seed) for name in ("evolved", "autoinit") for seed in (0, 1)]
    return write_several(paths, tmp_path / "page.html").read_text(encoding="utf-8")


def test_one_page_compares_the_runs_and_holds_the_sections_of_each(page: str) -> None:
    document = Document(without_plotly(page))
    headings = re.findall(r"<h2>(.*?)</h2>", page)
    assert headings[:3] == ["The runs", "Fitness over generations", "Comparison"]
    assert len(headings) == 3 + 4
    assert document.text.count("How to reproduce each number") == 4
    ids = [attributes["id"] for _, attributes in document.elements if "id" in attributes]
    assert len(ids) == len(set(ids))
    places = [attributes["data-source"] for _, attributes in document.elements if "data-source" in attributes]
    assert set(places) <= set(ids)
    assert "gondwana report" in document.text


def test_nothing_of_the_runs_is_markup(page: str) -> None:
    document = Document(without_plotly(page))
    assert HOSTILE in document.text
    assert "onerror=alert(1)>" not in without_plotly(page)
    assert not [tag for tag, _ in document.elements if tag == "img"]
