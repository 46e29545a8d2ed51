"""A run with a surrogate, stopped and resumed: the journal of one that was not, trainings answered from a table."""

from __future__ import annotations

from pathlib import Path

import pytest

from gondwana.activations.space.catalogue import enumerate_form
from gondwana.nas.config.schema import parse_config
from gondwana.nas.engine.execute import Execution, resume, start
from gondwana.nas.engine.loop import Stop
from gondwana.nas.engine.pools.table import Entry, Table, write_table
from gondwana.nas.engine.records.run_folder import RunFolder
from gondwana.tasks import get
from gondwana.tasks.training.recipe import Recipe


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Every minimal function; the more often its text has an ``l``, the better."""
    path = tmp_path_factory.mktemp("table") / "table.jsonl.gz"
    entries = [
        Entry(
            {"function": graph.text},
            [{"state": "completed", "fitness": 0.1 + graph.text.count("l") / 10, "reason": None}],
        )
        for form in ("unary", "binary")
        for graph in enumerate_form(form)
    ]
    common = {
        "task": {"name": "digits", "options": dict(get("digits").info.options)},
        "model": {"kind": "architecture", "name": "small_cnn", "options": {}},
        "initialization": {"strategy": "autoinit++", "options": {}, "defaults": "0.2"},
        "training": Recipe(epochs=2).to_json(),
    }
    write_table(path, Table("functions", common, entries, {}))
    return path


def config(table: Path):
    search = {
        "kind": "pangaea",
        "forms": "minimal",
        "evaluations": 20,
        "population": 8,
        "tournament": 3,
        "lag": 4,
        "architecture": {"name": "small_cnn"},
        "surrogate": {"candidates": 4, "least": 10, "trees": 30},
    }
    data = {
        "name": "guided",
        "generations": 3,
        "task": {"name": "digits"},
        "training": {"epochs": 2},
        "search": search,
        "engine": {"pool": "table", "table": str(table), "backlog": 3},
    }
    return parse_config(data, source="test")


class StopAfter:
    """A listener that asks for a stop after so many outcomes."""

    def __init__(self, outcomes: int, stop: Stop) -> None:
        self._left, self._stop = outcomes, stop

    def outcome(self, candidate, outcome, details) -> None:
        self._left -= 1
        if self._left == 0:
            self._stop.requested = True

    def __getattr__(self, name: str):
        return lambda *arguments: None


def journal(path: Path) -> tuple:
    with RunFolder.open(path).open_store(read_only=True) as store:
        asked = [(c.candidate.id, c.key, c.candidate.origin) for c in store.candidates()]
        told = {o.candidate_id: (o.state, o.fitness, o.seed) for o in store.outcomes()}
        return asked, told, store.snapshots()


@pytest.mark.slow
def test_stopped_and_resumed_the_journal_is_the_same(table: Path, tmp_path: Path):
    whole, path = tmp_path / "whole", tmp_path / "stopped"
    assert start(config(table), whole).finished
    asked, told, snapshots = journal(whole)
    assert any("predicted" in origin for _, _, origin in asked)
    stop = Stop()
    listeners = [StopAfter(33, stop)]
    assert not start(config(table), path, Execution(listeners=listeners, stop=stop)).finished
    assert resume(path).finished
    assert journal(path) == (asked, told, snapshots)
