"""Searches side by side: every one is the search that it would be alone, whatever the order of outcomes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from gondwana import tasks
from gondwana.nas.candidate import Candidate, Outcome, State, make_spec
from gondwana.nas.config.schema import ConfigError, load_config, parse_config
from gondwana.nas.searches.job import SearchJob
from gondwana.nas.searches.protocol import Progress
from gondwana.nas.searches.side_by_side import Part, SideBySide, SideBySideSettings

INFO = tasks.get("digits").info
EVOLUTION: dict[str, Any] = {
    "kind": "codeepneat",
    "population": {"blueprints": 3, "modules": 4},
    "species": {"blueprints": 1, "modules": 2},
    "evaluations": 2,
    "preserved_networks": 2,
    "space": {
        "layers": ["Conv2D", "Dropout"],
        "genes": {
            "activation": ["relu", "elu"],
            "filters": {"low": 2, "high": 6},
            "kernel_size": [1, 3],
            "rate": {"low": 0.0, "high": 0.5},
            "kernel_initializer": ["he_normal", "glorot_uniform"],
        },
    },
}
WORK: dict[str, Any] = {
    "generations": 3,
    "task": {"name": "digits", "options": {}},
    "info": INFO,
    "training": {},
    "limits": {},
}


def settings(**changes: Any) -> SideBySideSettings:
    data = {"kind": "side_by_side", "strategies": ["evolved", "autoinit"], "evolution": EVOLUTION, **changes}
    return SideBySideSettings.model_validate(data)


def outcome(candidate: Candidate) -> Outcome:
    """Return an outcome that depends on nothing but the network."""
    return Outcome(candidate.id, State.COMPLETED, (candidate.spec["seed"] % 1000) / 1000)


def finish(search: Any, rng: np.random.Generator | None = None) -> list[Candidate]:
    """Lead a search to its end, outcomes in the order of ``rng``; return every candidate."""
    found: list[Candidate] = []
    running: list[Candidate] = []
    while not search.finished:
        fresh = search.ask(2)
        found += fresh
        running += fresh
        chosen = 0 if rng is None else int(rng.integers(len(running)))
        search.tell(outcome(running.pop(chosen)))
    return found


def specs(candidates: list[Candidate], strategy: str, replicate: int) -> list[dict[str, Any]]:
    chosen = [c for c in candidates if (c.origin["strategy"], c.origin["replicate"]) == (strategy, replicate)]
    return [dict(c.spec) for c in sorted(chosen, key=lambda c: c.generation)]


@pytest.mark.slow
@pytest.mark.parametrize("order", [None, 0, 1])
@pytest.mark.parametrize("replicate", [0, 1])
def test_every_arm_is_the_search_that_it_would_be_alone(order: int | None, replicate: int) -> None:
    rng = None if order is None else np.random.default_rng(order)
    found = finish(settings(replicates=2).create(SearchJob(seed=5, **WORK)), rng)
    assert [candidate.id for candidate in found] == list(range(2 * 2 * 3 * 6))
    for name in ("evolved", "autoinit"):
        evolution = {**EVOLUTION, "initialization": name}
        alone = (
            type(settings().evolution).model_validate(evolution).create(SearchJob(seed=5 + replicate, **WORK))
        )
        wanted = [dict(candidate.spec) for candidate in finish(alone)]
        assert specs(found, name, replicate) == wanted


@pytest.mark.slow
def test_asking_for_many_is_asking_for_one_many_times() -> None:
    one, many = settings().create(SearchJob(seed=0, **WORK)), settings().create(SearchJob(seed=0, **WORK))
    assert many.ask(12) == [one.ask(1)[0] for _ in range(12)]
    assert many.ask(3) == []
    assert {
        candidate.origin["strategy"] for candidate in settings().create(SearchJob(seed=0, **WORK)).ask(2)
    } == {
        "evolved",
        "autoinit",
    }


def test_no_arm_waits_for_another() -> None:
    search = settings().create(SearchJob(seed=0, **WORK))
    first = search.ask(12)
    for candidate in first:
        if candidate.origin["strategy"] == "evolved":
            search.tell(outcome(candidate))
    ahead = search.ask(12)
    assert len(ahead) == 6
    assert {(c.origin["strategy"], c.generation) for c in ahead} == {("evolved", 1)}
    assert search.progress().generation == 0


def test_a_snapshot_holds_every_arm_at_the_end_of_the_same_generation() -> None:
    search = settings().create(SearchJob(seed=0, **WORK))
    seen: list[dict[str, Any]] = []
    running: list[Candidate] = []
    rng = np.random.default_rng(3)
    while not search.finished:
        running += search.ask(4)
        before = search.progress().generation
        search.tell(outcome(running.pop(int(rng.integers(len(running))))))
        if search.progress().generation != before:
            seen.append(search.snapshot())
    seen.append(search.snapshot())
    assert [snapshot["generation"] for snapshot in seen] == [0, 1, 2]
    for generation, snapshot in enumerate(seen):
        json.dumps(snapshot)
        for state in snapshot["arms"].values():
            assert len(state["history"]) == generation + 1


def test_finalists_are_the_best_of_every_arm_then_the_second_of_every_arm() -> None:
    search = settings().create(SearchJob(seed=0, **WORK))
    found = finish(search)
    finalists = search.finalists()
    assert [finalist.origin["strategy"] for finalist in finalists[:2]].count("autoinit") == 1
    fitness = {candidate.id: outcome(candidate).fitness for candidate in found}
    assert fitness[finalists[0].id] == max(value for value in fitness.values())
    assert finalists[0] == found[finalists[0].id]


def test_a_stranger_and_a_repetition_are_refused() -> None:
    search = settings().create(SearchJob(seed=0, **WORK))
    with pytest.raises(ValueError, match="candidate 3 was never asked for"):
        search.tell(Outcome(3, State.COMPLETED, 0.5))
    candidate = search.ask(1)[0]
    search.tell(outcome(candidate))
    with pytest.raises(ValueError, match="told before"):
        search.tell(outcome(candidate))
    assert isinstance(search, SideBySide)


def test_mistakes_in_a_config_are_named() -> None:
    config = {"name": "x", "task": {"name": "digits"}, "generations": 2}
    good = {"kind": "side_by_side", "strategies": ["evolved"], "evolution": EVOLUTION}
    parse_config({**config, "search": good}, source="x")
    twice = {**good, "strategies": ["autoinit", "autoinit"]}
    fixed = {**good, "evolution": {**EVOLUTION, "initialization": "autoinit"}}
    missing = {key: value for key, value in good.items() if key != "evolution"}
    wrong = [
        (twice, "each strategy may stand once"),
        (fixed, "is what the strategies vary; leave it out"),
        (missing, "search.evolution' is missing"),
        ({**good, "replicate": 2}, "did you mean 'replicates'"),
    ]
    for search, message in wrong:
        with pytest.raises(ConfigError, match=message):
            parse_config({**config, "search": search}, source="x")
    with pytest.raises(ValueError, match="autoinitt"):
        settings(strategies=["autoinitt"]).create(SearchJob(seed=0, **WORK))


def test_the_whole_config_written_down_reads_back(tmp_path: Path) -> None:
    data = {"name": "x", "task": {"name": "digits"}, "search": settings().model_dump(mode="json")}
    config = parse_config(data, source="x")
    path = tmp_path / "config.yaml"
    path.write_text(config.to_yaml(), encoding="utf-8")
    assert load_config(path) == config


class Listener:
    """A search that asks for as many candidates as wanted and remembers what it is told."""

    finished = False

    def __init__(self, seed: int) -> None:
        self.seed, self.asked, self.told = seed, 0, []

    def ask(self, count: int) -> list[Candidate]:
        self.asked += count
        spec = make_spec(self.seed, task={}, model={}, initialization={}, training={})
        return [Candidate(number, 0, spec) for number in range(self.asked - count, self.asked)]

    def tell(self, outcome: Outcome) -> None:
        self.told.append(outcome)

    def progress(self) -> Progress:
        return Progress(0, 1, len(self.told), 10, None, None)


def test_an_arm_hears_of_originals_by_its_own_ids() -> None:
    parts = [Listener(0), Listener(1)]
    search = SideBySide([Part(name, 0, part) for name, part in zip("ab", parts, strict=True)])
    asked = search.ask(6)  # by turns: the searches' third candidates are 4 and 5
    owners = [candidate.origin["strategy"] for candidate in asked]
    for candidate in asked[:4]:
        search.tell(outcome(candidate))
    for candidate, original in ((asked[4], 2), (asked[5], 2)):
        same = Outcome(candidate.id, State.DUPLICATE, 0.5, reason="equal", duplicate_of=original)
        search.tell(same)
    assert owners == ["a", "b"] * 3
    assert [told.candidate_id for told in parts[0].told] == [0, 1, 2]
    assert parts[0].told[2].duplicate_of == 1
    assert parts[1].told[2].duplicate_of is None
    assert search.progress().told == 6
    assert search.progress().best_fitness == max(
        0.5, *(outcome(candidate).fitness for candidate in asked[:4])
    )
