"""Finalists trained with several seeds: the mean chooses, the test split is touched once, a stop loses nothing."""

from __future__ import annotations

from pathlib import Path

import pytest

from gondwana.nas.candidate import Candidate, Outcome, State, make_spec
from gondwana.nas.config.error import ConfigError
from gondwana.nas.config.schema import Finalists, load_config
from gondwana.nas.engine.loop import Stop
from gondwana.nas.engine.pools.local_pool import LocalPool
from gondwana.nas.engine.records.run_folder import RunFolder
from gondwana.nas.engine.records.store import Store
from gondwana.nas.engine.repeats import Repetition, means, patience, repeat_finalists, repeated
from gondwana.nas.evaluation.evaluate import Report
from tests.helpers import ROOT

HOW = Repetition(count=3, seeds=2, epochs=None, run_seed=5)


def finalist(number: int, **limits: float) -> Candidate:
    model = {"kind": "fake", "number": number}
    spec = make_spec(
        5, task={}, model=model, initialization={}, training={"epochs": 4}, limits=limits, until_epoch=2
    )
    return Candidate(number, 0, spec, {"parents": [number]})


class Trainer:
    """Has the fitnesses of each network by seed; counts the trainings."""

    def __init__(self, **fitness: list[float | None]) -> None:
        self.fitness = {int(name[1:]): list(values) for name, values in fitness.items()}
        self.done = 0

    def __call__(self, spec, data) -> Report:
        self.done += 1
        assert "until_epoch" not in spec
        value = self.fitness[spec["model"]["number"]][spec["replicate"] // 1000 - 1]
        if value is None:
            return Report.failure(State.TIMED_OUT, "too slow")
        return Report(State.COMPLETED, fitness=value)


@pytest.fixture
def store(tmp_path: Path):
    folder = RunFolder.create(tmp_path / "run")
    with Store.create(folder.engine(), folder.run_id, name="run", config={}) as made:
        yield made


def chosen(store, trainer, stop=None, ranked=None):
    ranked = ranked or [finalist(number) for number in range(4)]
    return repeat_finalists(ranked, HOW, store, LocalPool(), stop or Stop(), trainer, None, 0.1)


def test_the_mean_chooses_and_the_best_training_stands_for_the_network(store):
    trainer = Trainer(_0=[0.9, 0.5], _1=[0.8, 0.85], _2=[0.95, None])
    best = chosen(store, trainer)
    assert [candidate.id for candidate in best] == [1, 0, 2]
    assert best[0].spec == repeated(finalist(1), 2, HOW).spec
    assert best[1].spec == repeated(finalist(0), 1, HOW).spec
    assert trainer.done == 6
    assert means(store.repeats(), 0.1) == {0: 0.7, 1: pytest.approx(0.825), 2: pytest.approx(0.525)}


def test_no_seed_is_that_of_the_search_and_all_differ():
    seeds = {repeated(finalist(1), number, HOW).seed for number in (1, 2, 3)} | {finalist(1).seed}
    assert len(seeds) == 4
    longer = Repetition(1, 1, 9, 5)
    assert repeated(finalist(1), 1, longer).spec["training"]["epochs"] == 9
    assert patience(finalist(1), longer) == 3 * 9 / 4
    assert patience(finalist(1), HOW) == 3


def test_what_is_recorded_is_not_trained_again(store):
    trainer = Trainer(_0=[0.9, 0.5], _1=[0.8, 0.85], _2=[0.95, 0.1])
    first = chosen(store, trainer)
    assert chosen(store, trainer) == first
    assert trainer.done == 6


def test_a_stop_is_obeyed_and_the_rest_is_done_later(store):
    trainer = Trainer(_0=[0.9, 0.5], _1=[0.8, 0.85], _2=[0.95, 0.1])
    stop = Stop()

    class Stopping(Trainer):
        def __call__(self, spec, data):
            stop.requested = True
            return super().__call__(spec, data)

    stopping = Stopping(_0=[0.9, 0.5], _1=[0.8, 0.85], _2=[0.95, 0.1])
    assert chosen(store, stopping, stop) is None
    assert stopping.done == len(store.repeats()) == 1
    assert chosen(store, trainer, stop) is None
    assert [candidate.id for candidate in chosen(store, trainer)] == [1, 0, 2]
    assert trainer.done == 5


def test_the_config_takes_a_number_or_how():
    path = ROOT / "configs" / "digits.yaml"
    assert load_config(path, ["finalists=3"]).finalists == 3
    found = load_config(path, ["finalists={count: 2, epochs: 30}"])
    assert found.finalists == Finalists(count=2, seeds=3, epochs=30)
    assert type(found).model_validate(found.to_json()) == found


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("{count: 0}", "finalists.count: input should be greater than 0. Received: 0"),
        ("{cout: 2}", "unknown key 'finalists.cout'; did you mean 'count'?"),
        ("-1", "finalists: input should be greater than or equal to 0. Received: -1"),
        ("many", "Received: 'many'"),
    ],
)
def test_a_mistake_is_told_once_with_its_key(value, message):
    with pytest.raises(ConfigError) as found:
        load_config(ROOT / "configs" / "digits.yaml", [f"finalists={value}"])
    assert message in str(found.value)
    assert str(found.value).count("--set") == 1


def test_repeats_are_read_back_and_an_older_database_has_none(store):
    chosen(store, Trainer(_0=[0.9, 0.5], _1=[0.8, 0.85], _2=[0.95, 0.1]))
    first = store.repeats()[0]
    assert (first.rank, first.number, first.candidate.id) == (0, 1, 0)
    assert first.outcome == Outcome(
        0,
        State.COMPLETED,
        0.9,
        seconds=first.outcome.seconds,
        seed=first.candidate.seed,
        worker=first.outcome.worker,
    )
    with store._transaction() as connection:
        connection.exec_driver_sql("DROP TABLE repeats")
    assert store.repeats() == []
