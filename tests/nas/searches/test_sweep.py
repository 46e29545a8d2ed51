"""Sweeps: which points are trained with which strategies."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from gondwana import tasks
from gondwana.nas.candidate import Candidate
from gondwana.nas.searches.job import SearchJob
from gondwana.nas.searches.planned import SettingsError
from gondwana.nas.searches.sweep import SweepSettings

INFO = tasks.get("digits").info
BASE: dict[str, Any] = {
    "architecture": {"name": "small_cnn", "options": {"depth": 2}},
    "strategies": ["glorot_uniform", "autoinit"],
    "axes": [
        {"key": "training.learning_rate", "values": [0.001, 0.01, 0.1]},
        {"key": "architecture.dropout", "values": [0.0, 0.5]},
    ],
}


def candidates(**options: Any) -> list[Candidate]:
    search = SweepSettings(**{**BASE, **options}).create(
        SearchJob(
            seed=0,
            generations=1,
            task={"name": "digits", "options": {}},
            info=INFO,
            training={"epochs": 2, "learning_rate": 0.005},
            limits={},
        )
    )
    return search.ask(1000)


def settings_of(candidate: Candidate) -> tuple[str, float, float | None, str]:
    spec = candidate.spec
    return (
        spec["model"]["activation"],
        spec["training"]["learning_rate"],
        spec["model"]["options"].get("dropout"),
        spec["initialization"]["strategy"],
    )


def test_axes_are_varied_one_at_a_time_with_the_others_at_the_config() -> None:
    found = [settings_of(candidate) for candidate in candidates()]
    points = [(rate, None) for rate in (0.001, 0.01, 0.1)] + [(0.005, dropout) for dropout in (0.0, 0.5)]
    strategies = ("glorot_uniform", "autoinit")
    assert found == [("relu(x)", rate, dropout, name) for rate, dropout in points for name in strategies]


def test_a_grid_takes_every_combination() -> None:
    found = {settings_of(candidate)[1:3] for candidate in candidates(design="grid")}
    assert found == {(rate, dropout) for rate in (0.001, 0.01, 0.1) for dropout in (0.0, 0.5)}


def test_replicates_have_seeds_of_their_own() -> None:
    found = candidates(replicates=3)
    assert len(found) == 5 * 2 * 3
    assert len({candidate.seed for candidate in found}) == len(found)


def test_activation_functions_and_nested_keys_can_be_varied() -> None:
    axes = [
        {"key": "activation", "values": ["elu(x)", "tanh(x)"]},
        {"key": "training.schedule.kind", "values": ["cosine"]},
    ]
    found = candidates(axes=axes, strategies=["autoinit"])
    assert [candidate.spec["model"]["activation"] for candidate in found] == ["elu(x)", "tanh(x)", "relu(x)"]
    assert found[2].spec["training"]["schedule"]["kind"] == "cosine"
    assert found[2].origin["text"] == "training.schedule.kind=cosine"


def test_options_of_the_architecture_that_are_not_varied_stay() -> None:
    assert all(candidate.spec["model"]["options"]["depth"] == 2 for candidate in candidates())


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"axes": [{"key": "lr", "values": [1]}]}, "must be 'activation'"),
        ({"axes": [{"key": "activation.x", "values": [1]}]}, "must be 'activation'"),
        ({"axes": [{"key": "training.", "values": [1]}]}, "must be 'activation'"),
        ({"axes": [{"key": "training.epochs", "values": []}]}, "at least 1 item"),
        ({"axes": [{"key": "training.epochs", "values": [1, 1]}]}, "holds a value twice"),
        ({"axes": [{"key": "activation", "values": ["elu(x)"]}] * 2}, "each axis may stand once"),
        ({"strategies": ["autoinit", "autoinit"]}, "each strategy may stand once"),
    ],
)
def test_sweeps_that_make_no_sense_are_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        SweepSettings(**{**BASE, **options})


def test_values_that_no_training_can_have_are_refused_before_anything_runs() -> None:
    with pytest.raises(SettingsError, match=r"'training.learning_rate': -1.*does not fit the training"):
        candidates(axes=[{"key": "training.learning_rate", "values": [-1]}])
    with pytest.raises(SettingsError, match="set generations to 1"):
        SweepSettings(**BASE).create(SearchJob(seed=0, generations=3, task={}, info=INFO, training={}))
