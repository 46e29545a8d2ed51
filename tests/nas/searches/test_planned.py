"""The comparison's plan: which function is trained how often with which strategy, whatever the order of outcomes."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from gondwana import tasks
from gondwana.nas.candidate import Candidate, Outcome, State
from gondwana.nas.searches.job import SearchJob
from gondwana.nas.searches.planned import CompareSettings, PlannedSearch, SettingsError, group_names

pytestmark = pytest.mark.slow

INFO = tasks.get("digits").info
ARCHITECTURE = {"name": "small_cnn"}
STRATEGIES = ("glorot_uniform", "autoinit", "autoinit++")


def create(seed: int = 0, **options: Any) -> PlannedSearch:
    settings = CompareSettings(**{"architecture": ARCHITECTURE, "functions": 8, **options})
    return settings.create(
        SearchJob(
            seed=seed,
            generations=1,
            task={"name": "digits", "options": {}},
            info=INFO,
            training={"epochs": 1},
            limits={},
        )
    )


def asked(search: PlannedSearch) -> list[Candidate]:
    return search.ask(10_000)


def by_strategy(candidates: list[Candidate]) -> dict[str, list[str]]:
    texts: dict[str, list[str]] = {}
    for candidate in candidates:
        if candidate.origin["role"] == "function":
            texts.setdefault(candidate.spec["initialization"]["strategy"], []).append(
                candidate.origin["text"]
            )
    return texts


def test_every_function_is_trained_with_every_strategy_and_the_baseline_with_the_first() -> None:
    candidates = asked(create(baseline_replicates=3))
    assert len(candidates) == 3 + 8 * 3
    baseline = [candidate for candidate in candidates if candidate.origin["role"] == "baseline"]
    assert {candidate.spec["model"]["activation"] for candidate in baseline} == {"relu(x)"}
    assert {candidate.spec["initialization"]["strategy"] for candidate in baseline} == {"glorot_uniform"}
    assert len({candidate.seed for candidate in baseline}) == 3
    assert {name: len(texts) for name, texts in by_strategy(candidates).items()} == dict.fromkeys(
        STRATEGIES, 8
    )
    assert [candidate.id for candidate in candidates] == list(range(27))


def test_paired_strategies_share_their_functions_and_independent_ones_do_not() -> None:
    paired = by_strategy(asked(create(paired=True)))
    assert paired["glorot_uniform"] == paired["autoinit"] == paired["autoinit++"]
    independent = by_strategy(asked(create(paired=False)))
    assert independent["glorot_uniform"] != independent["autoinit"] != independent["autoinit++"]


def test_the_functions_depend_on_the_seed_and_on_nothing_else() -> None:
    assert asked(create(seed=1)) == asked(create(seed=1))
    assert by_strategy(asked(create(seed=1))) != by_strategy(asked(create(seed=2)))
    longer = by_strategy(asked(create(functions=12)))
    assert longer["autoinit"][:8] == by_strategy(asked(create()))["autoinit"]
    reordered = by_strategy(asked(create(paired=False, strategies=["autoinit", "glorot_uniform"])))
    assert reordered["autoinit"] == by_strategy(asked(create(paired=False)))["autoinit"]


def test_a_text_drawn_twice_is_trained_twice_with_two_seeds() -> None:
    candidates = [c for c in asked(create(functions=300)) if c.origin["role"] == "function"]
    counts = Counter((c.origin["strategy"], c.origin["text"]) for c in candidates)
    assert max(counts.values()) > 1, "300 draws repeat some function"
    assert len({c.key for c in candidates}) == len(candidates)


def test_replicates_are_trainings_of_their_own() -> None:
    candidates = [c for c in asked(create(replicates=2)) if c.origin["role"] == "function"]
    assert len(candidates) == 2 * 3 * 8
    assert len({c.seed for c in candidates}) == len(candidates)


def test_only_valid_functions_are_drawn_on_demand() -> None:
    texts = by_strategy(asked(create(functions=40, unique=True, valid=True)))["autoinit"]
    assert len(set(texts)) == 40


@given(st.permutations(range(27)))
def test_the_order_of_outcomes_changes_nothing(order: list[int]) -> None:
    search, reference = two_searches()
    for number in order:
        search.tell(_outcome(number))
    for number in range(27):
        reference.tell(_outcome(number))
    assert search.finished
    assert search.snapshot() == reference.snapshot()
    assert search.finalists() == reference.finalists()
    assert search.progress().best_fitness == reference.progress().best_fitness


def _outcome(number: int) -> Outcome:
    if number % 5 == 1:
        return Outcome(number, State.CRASHED, reason="the worker died")
    return Outcome(number, State.COMPLETED, fitness=(7 * number % 11) / 11)


PLAN = asked(create())


def two_searches() -> tuple[PlannedSearch, PlannedSearch]:
    pair = tuple(PlannedSearch(PLAN, summary={"kind": "test"}) for _ in range(2))
    for search in pair:
        search.ask(10_000)
    return pair  # type: ignore[return-value]


def test_candidates_are_asked_once_and_told_once() -> None:
    search = create()
    first = search.ask(5)
    assert [c.id for c in first] == [0, 1, 2, 3, 4]
    with pytest.raises(ValueError, match="candidate 5 was never asked for"):
        search.tell(_outcome(5))
    search.tell(_outcome(2))
    with pytest.raises(ValueError, match="told before"):
        search.tell(_outcome(2))
    assert search.progress().told == 1
    assert len(search.ask(1000)) == 22
    assert search.ask(3) == []
    assert not search.finished


def test_a_search_without_results_has_no_finalist() -> None:
    search = PlannedSearch(PLAN[:1], summary={})
    search.ask(1)
    search.tell(Outcome(0, State.CRASHED, reason="the worker died"))
    assert search.finished
    assert search.finalists() == []
    assert search.progress().best_fitness is None


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"functions": 0}, "greater than 0"),
        ({"strategies": ["autoinit", "autoinit"]}, "each may stand once"),
        ({"strategies": []}, "at least 1"),
        ({"funktions": 3}, "Extra inputs"),
        ({"margin": -0.1}, "greater than or equal to 0"),
    ],
)
def test_settings_that_make_no_sense_are_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        CompareSettings(**{"architecture": ARCHITECTURE, **options})


def test_a_comparison_has_one_generation() -> None:
    with pytest.raises(SettingsError, match="set generations to 1"):
        CompareSettings(architecture=ARCHITECTURE).create(
            SearchJob(seed=0, generations=2, task={}, info=INFO, training={})
        )


def test_strategies_with_options_are_named_by_them() -> None:
    settings = CompareSettings(
        architecture=ARCHITECTURE,
        strategies=["autoinit", {"strategy": "autoinit", "options": {"mode": "exact"}}],
    )
    assert group_names(settings.strategies) == ("autoinit", "autoinit(mode=exact)")


def test_ids_of_a_plan_are_checked() -> None:
    with pytest.raises(ValueError, match="0, 1, 2"):
        PlannedSearch(PLAN[1:], summary={})
