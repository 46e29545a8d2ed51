"""Candidates evaluated together: the same outcomes as alone, whatever becomes of the others (JAX)."""

from __future__ import annotations

import keras
import pytest

from gondwana.nas.candidate import State, make_spec
from gondwana.nas.config.schema import parse_config
from gondwana.nas.engine.execute import Execution, resume, start
from gondwana.nas.engine.loop import Stop
from gondwana.nas.evaluation import batch as module
from gondwana.nas.evaluation.batch import MEMBERS, batch_key, evaluate_batch
from gondwana.nas.evaluation.evaluate import evaluate, load_search_data
from gondwana.tasks.base import SearchData, Split

TASK = {"name": "digits", "options": {}}
only_jax = pytest.mark.skipif(keras.backend.backend() != "jax", reason="needs KERAS_BACKEND=jax")


def spec(replicate=0, strategy="autoinit", activation="relu(x)", rate=1e-3, **more):
    model = {"kind": "architecture", "name": "small_cnn", "activation": activation}
    return make_spec(
        0,
        task=TASK,
        model={**model, "options": {"filters": [4], "depth": 1}},
        initialization={"strategy": strategy},
        training={
            "epochs": 2,
            "batch_size": 64,
            "learning_rate": rate,
            "optimizer": "sgd",
            "weight_decay": 0.01,
        },
        replicate=replicate,
        **more,
    )


@pytest.fixture(scope="module")
def data() -> SearchData:
    whole = load_search_data(TASK)
    return SearchData(Split(whole.train.x[:256], whole.train.y[:256]), whole.validation)


def test_what_may_differ_within_a_batch():
    same = {batch_key(spec()), batch_key(spec(1, "he_normal")), batch_key(spec(rate=0.5))}
    assert len(same) == 1
    assert batch_key(spec(activation="tanh(x)")) not in same
    assert batch_key(spec(limits={"max_parameters": 5})) not in same
    assert batch_key(spec(until_epoch=1)) is None


@only_jax
def test_each_has_the_outcome_that_it_has_alone(data):
    specs = [
        spec(),
        spec(1, "he_normal", rate=0.01),
        spec(2, rate=1e6),  # diverges
        spec(3, "no such strategy"),
        spec(4, "autoinit++"),
    ]
    reports = evaluate_batch({MEMBERS: specs}, data).members
    alone = [evaluate(one, data) for one in specs]
    states = [report.state for report in reports]
    assert states == [report.state for report in alone]
    assert states == [State.COMPLETED, State.COMPLETED, State.DIVERGED, State.INVALID, State.COMPLETED]
    for one, other in zip(reports, alone, strict=True):
        assert one.parameters == other.parameters
        assert one.fitness == pytest.approx(other.fitness, abs=0.006)
        assert len(one.curve) == len(other.curve)
        for point, expected in zip(one.curve, other.curve, strict=True):
            assert point["train_loss"] == pytest.approx(expected["train_loss"], rel=1e-4)
            assert point["val_loss"] == pytest.approx(expected["val_loss"], rel=1e-3)
        if one.state is State.COMPLETED:
            assert set(one.seconds) == set(other.seconds)
            assert set(one.metrics) == set(other.metrics)
            assert one.metrics["val_loss"] == pytest.approx(other.metrics["val_loss"], rel=1e-3)


def test_memory_that_runs_out_halves_the_batch(monkeypatch):
    sizes = []

    def together(specs, data):
        sizes.append(len(specs))
        raise MemoryError("RESOURCE_EXHAUSTED")

    monkeypatch.setattr(module, "_together", together)
    monkeypatch.setattr(module, "evaluate", lambda spec, data: f"alone {spec['replicate']}")
    reports = module._evaluated([{"replicate": number} for number in range(5)], None)
    assert sizes == [5, 3, 2, 2]
    assert reports == [f"alone {number}" for number in range(5)]


def test_after_another_failure_of_the_whole_each_is_evaluated_alone(monkeypatch):
    def together(specs, data):
        raise RuntimeError("no such program")

    monkeypatch.setattr(module, "_together", together)
    monkeypatch.setattr(module, "evaluate", lambda spec, data: spec)
    assert module._evaluated([1, 2, 3], None) == [1, 2, 3]


@only_jax
def test_a_run_in_batches_that_is_stopped_goes_on_where_it_stopped(tmp_path):
    config = {
        "name": "batches",
        "seed": 1,
        "generations": 1,
        "task": {"name": "digits"},
        "training": {"epochs": 1, "batch_size": 128},
        "search": {
            "kind": "sweep",
            "architecture": {"name": "small_cnn", "options": {"filters": [4], "depth": 1}},
            "strategies": ["autoinit", "he_normal"],
            "replicates": 3,
        },
        "engine": {"pool": "local", "batch": 2},
        "finalists": 0,
    }
    stop = Stop()

    class StopAfterTwo:
        told = 0

        def outcome(self, candidate, outcome, detail):
            self.told += 1
            stop.requested = True

        def __getattr__(self, name):
            return lambda *args, **keywords: None

    parsed = parse_config(config, source="test")
    first = start(parsed, tmp_path / "stopped", Execution(stop=stop, listeners=[StopAfterTwo()]))
    assert not first.finished and sum(first.states.values()) == 2
    assert resume(tmp_path / "stopped").states == start(parsed, tmp_path / "whole").states
