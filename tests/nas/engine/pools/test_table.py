"""Tables: written and read, answering what they hold and saying what they do not; a run on one."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from gondwana.activations.space.catalogue import enumerate_form
from gondwana.nas.candidate import State, make_spec
from gondwana.nas.config.error import ConfigError
from gondwana.nas.config.schema import parse_config
from gondwana.nas.engine.execute import resume, start
from gondwana.nas.engine.pools.protocol import UnusablePoolError
from gondwana.nas.engine.pools.table import Entry, Table, TableError, read_table, write_table
from gondwana.nas.engine.pools.table_pool import TablePool
from gondwana.nas.engine.records.run_folder import RunFolder
from gondwana.tasks import get
from gondwana.tasks.training.recipe import Recipe

COMMON = {
    "task": {"name": "digits", "options": dict(get("digits").info.options)},
    "model": {"kind": "architecture", "name": "small_cnn", "options": {}},
    "initialization": {"strategy": "autoinit++", "options": {}, "defaults": "0.2"},
    "training": Recipe(epochs=2).to_json(),
}
CURVE = [{"epoch": 1, "val_fitness": 0.3}, {"epoch": 2, "val_loss": 1.0}]


def result(fitness: float | None, **rest) -> dict:
    state = "completed" if fitness is not None else "crashed"
    reason = None if fitness is not None else "OverflowError"
    return {"state": state, "fitness": fitness, "reason": reason, "curve": CURVE, **rest}


@pytest.fixture
def table() -> Table:
    entries = [
        Entry({"function": "relu(x)"}, [result(0.8, parameters=12), result(0.7)]),
        Entry({"function": "mul(one(x),tanh(x))"}, [result(None)]),
    ]
    return Table("functions", COMMON, entries, {"made": "in a test"})


def spec(text: str, seed: int = 0, **changes) -> dict:
    parts = {**COMMON, "model": {**COMMON["model"], "activation": text}, **changes}
    return {**make_spec(0, **parts), "seed": seed}


def test_what_is_written_is_read(table: Table, tmp_path: Path):
    path, again = tmp_path / "table.jsonl.gz", tmp_path / "again.jsonl.gz"
    write_table(path, table)
    found = read_table(path)
    assert (found.kind, found.common, found.entries) == (table.kind, table.common, table.entries)
    assert found.provenance == {"made": "in a test"}
    write_table(again, found)
    assert again.read_bytes() == path.read_bytes()


def test_the_seed_of_a_spec_chooses_among_trainings(table: Table):
    assert [table.answer(spec("relu(x)", seed)).fitness for seed in range(4)] == [0.8, 0.7, 0.8, 0.7]
    assert table.answer(spec("relu(x)")).parameters == 12


def test_a_failure_in_the_table_is_one(table: Table):
    assert table.answer(spec("mul(one(x),tanh(x))")).state is State.CRASHED


def test_a_function_is_known_by_what_it_is(table: Table):
    assert table.answer(spec("max(relu(x),zero(x))")).fitness == 0.8
    assert table.answer(spec("tanh(x)")).state is State.CRASHED


@pytest.mark.parametrize(
    ("asked", "reason"),
    [
        (spec("sigmoid(x)"), r"sigmoid\(x\) is none of its 2 functions"),
        (spec("relu(x)", training=Recipe(epochs=3).to_json()), "it was made with training"),
        (spec("relu(x)", task={"name": "mnist", "options": {}}), "it was made with task"),
    ],
)
def test_what_is_not_in_the_table_is_said(table: Table, asked: dict, reason: str):
    report = table.answer(asked)
    assert report.state is State.INVALID
    with pytest.raises(AssertionError, match=reason):
        raise AssertionError(report.reason)


def test_an_early_end_is_answered_from_the_learning_curve(table: Table):
    early = table.answer({**spec("relu(x)"), "until_epoch": 1})
    assert (early.fitness, len(early.curve)) == (0.3, 1)
    later = table.answer({**spec("relu(x)"), "until_epoch": 2})
    assert later.state is State.INVALID and "no fitness after epoch 2" in str(later.reason)


def test_networks_are_found_by_their_spec():
    model, training = {"kind": "codeepneat", "blueprint": {}}, Recipe(epochs=1).to_json()
    common = {name: COMMON[name] for name in ("task", "initialization")}
    table = Table("networks", common, [Entry({"model": model, "training": training}, [result(0.9)])], {})
    known = make_spec(0, **common, model=model, training=training)
    other = make_spec(0, **common, model=model, training=Recipe(epochs=2).to_json())
    assert table.answer(known).fitness == 0.9
    assert "this network is none" in str(table.answer(other).reason)


@pytest.mark.parametrize(
    "content", [b"{}", gzip.compress(b'{"format": "other"}\n'), gzip.compress(b"no json\n"), b""]
)
def test_what_is_no_table_is_refused(tmp_path: Path, content: bytes):
    path = tmp_path / "file"
    path.write_bytes(content)
    with pytest.raises(TableError, match=str(path)):
        read_table(path)
    with pytest.raises(UnusablePoolError, match="there is no such table"):
        TablePool(tmp_path / "missing")


def config(table: Path, **engine) -> dict:
    return {
        "name": "simulated",
        "generations": 2,
        "task": {"name": "digits"},
        "training": {"epochs": 2},
        "search": {
            "kind": "random",
            "forms": "minimal",
            "evaluations": 6,
            "architecture": {"name": "small_cnn"},
        },
        "engine": {"pool": "table", "table": str(table), **engine},
    }


def test_a_run_on_a_table_trains_nothing_and_can_be_resumed(tmp_path: Path):
    path = tmp_path / "table.jsonl.gz"
    entries = [Entry({"function": graph.text}, [result(0.5)]) for graph in enumerate_form("unary")]
    write_table(path, Table("functions", COMMON, entries, {}))
    ended = start(parse_config(config(path), source="test"), tmp_path / "run")
    assert ended.finished and not ended.finals
    assert sum(ended.states.values()) == 12
    assert resume(tmp_path / "run").finished
    with RunFolder.open(tmp_path / "run").open_store(read_only=True) as store:
        states = {outcome.state for outcome in store.outcomes()}
    assert states == {State.INVALID, State.COMPLETED}  # binary ones are not in the table


@pytest.mark.parametrize("engine", [{"table": None}, {"pool": "local"}])
def test_pool_and_file_belong_together(engine: dict):
    with pytest.raises(ConfigError, match="'pool: table' and 'table: FILE' belong together"):
        parse_config(config(Path("t")) | {"engine": {"pool": "table", "table": "t", **engine}}, source="test")
