"""Runs in several rungs: trainings go on from their states, and a run that is stopped anywhere comes to the same."""

from __future__ import annotations

import math
import shutil
from pathlib import Path

import pytest

from gondwana.nas.candidate import State
from gondwana.nas.config.schema import RunConfig, load_config
from gondwana.nas.engine.execute import Execution, resume, start
from gondwana.nas.engine.pools.local_pool import LocalPool
from gondwana.nas.engine.records.run_folder import RunFolder
from gondwana.nas.engine.records.training_states import FOLDER
from gondwana.nas.evaluation.evaluate import Report
from tests.helpers import ROOT

CHANGES = (
    "generations=3",
    "finalists=0",
    "training.epochs=4",
    "search.fidelity={rungs: [1, 2, 4], keep: 0.4}",
)


class Killed(Exception):
    """Stands for SIGKILL: nothing that comes after the record of an outcome happens."""


class Killer:
    """Ends the driver when so many outcomes are recorded."""

    def __init__(self, after: int) -> None:
        self.left = after

    def outcome(self, candidate, outcome, details) -> None:
        self.left -= 1
        if self.left == 0:
            raise Killed

    def __getattr__(self, name):
        return lambda *arguments: None


class Pool(LocalPool):
    def devices(self):
        return ["cpu"]


class Trainer:
    """Pretends to train; counts the epochs that it does."""

    def __init__(self) -> None:
        self.epochs = 0

    def __call__(self, spec, data, state=None) -> Report:
        end = spec.get("until_epoch", spec["training"]["epochs"])
        begin = 0 if state is None else int(state)
        assert begin < end
        self.epochs += end - begin
        rate, limit = 0.1 + spec["seed"] % 97 / 97, 0.5 + spec["seed"] % 89 / 200
        return Report(
            State.COMPLETED,
            fitness=limit * (1 - math.exp(-rate * end)) + 0.15,
            parameters=1,
            training_state=str(end).encode() if "until_epoch" in spec else None,
        )


def execution(trainer: Trainer, *listeners) -> Execution:
    return Execution(
        open_pool=lambda engine: Pool(),
        work=trainer,
        load_data=lambda task, folder: "data",
        listeners=listeners,
    )


@pytest.fixture(scope="module", params=["generational", "steady"])
def config(request) -> RunConfig:
    return load_config(ROOT / "configs" / "digits.yaml", [*CHANGES, f"search.mode={request.param}"])


def journal(path: Path):
    with RunFolder.open(path).open_store(read_only=True) as store:
        outcomes = {o.candidate_id: (o.state, o.fitness, o.seed, o.duplicate_of) for o in store.outcomes()}
        keys = [
            (item.candidate.id, item.key, item.candidate.origin, item.candidate.generation)
            for item in store.candidates()
        ]
        return keys, outcomes, store.snapshots()


@pytest.fixture(scope="module")
def undisturbed(config, tmp_path_factory):
    path, trainer = tmp_path_factory.mktemp("fidelity") / "run", Trainer()
    assert start(config, path, execution(trainer)).finished
    return journal(path), trainer.epochs, path


def test_a_promoted_network_is_never_trained_from_zero(undisturbed):
    (keys, outcomes, _), epochs, path = undisturbed
    rungs = [0, 0, 0]
    for number, _, origin, _ in keys:
        rungs[origin["rung"]] += outcomes[number][0] is State.COMPLETED
    assert rungs[2] > 0
    assert epochs == rungs[0] + rungs[1] + 2 * rungs[2]
    assert not (path / FOLDER).exists()


@pytest.mark.slow
@pytest.mark.parametrize(("after", "lost"), [(2, "nothing"), (3, "states")])
def test_a_run_that_is_killed_again_and_again_has_the_journal_of_one_that_was_not(
    config, undisturbed, tmp_path, after, lost
):
    path, trainer = tmp_path / "run", Trainer()
    with pytest.raises(Killed):
        start(config, path, execution(trainer, Killer(after)))
    for _ in range(500):
        if lost == "states":
            shutil.rmtree(path / FOLDER, ignore_errors=True)
        try:
            if resume(path, execution(trainer, Killer(after))).finished:
                break
        except Killed:
            continue
    assert journal(path) == undisturbed[0]
    assert (trainer.epochs == undisturbed[1]) == (lost == "nothing")


def test_without_room_for_states_trainings_begin_anew_and_come_to_the_same(config, undisturbed, tmp_path):
    path, trainer = tmp_path / "run", Trainer()
    small = config.model_copy(update={"engine": config.engine.model_copy(update={"training_states_mb": 0})})
    assert start(small, path, execution(trainer)).finished
    assert journal(path) == undisturbed[0]
    assert trainer.epochs > undisturbed[1]


@pytest.mark.slow
def test_side_by_side_the_rungs_keep_their_numbers(tmp_path):
    base = load_config(ROOT / "configs" / "digits.yaml", CHANGES).to_json()
    evolution = {name: value for name, value in base["search"].items() if name != "initialization"}
    search = {"kind": "side_by_side", "strategies": ["autoinit", "he_normal"], "evolution": evolution}
    config = RunConfig.model_validate(base | {"generations": 2, "search": search})
    path, trainer = tmp_path / "run", Trainer()
    assert start(config, path, execution(trainer)).finished
    with RunFolder.open(path).open_store(read_only=True) as store:
        found = {item.candidate.id: item.candidate for item in store.candidates()}
    climbed = [candidate for candidate in found.values() if "continues" in candidate.origin]
    assert climbed
    assert all(found[c.origin["continues"]].seed == c.seed for c in climbed)
    assert all(found[c.origin["continues"]].origin["strategy"] == c.origin["strategy"] for c in climbed)
