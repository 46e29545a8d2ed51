"""What no candidate could do is refused before the run begins, in words that name the mistake."""

from __future__ import annotations

from typing import Any

import pytest

from gondwana import tasks
from gondwana.nas.searches.job import SearchJob
from gondwana.nas.searches.pangaea.search import PangaeaSettings
from gondwana.nas.searches.planned import Architecture, CompareSettings, Strategy
from gondwana.nas.searches.preflight import check_experiment
from gondwana.nas.searches.sweep import SweepSettings

DIGITS = tasks.get("digits").info
SMALL = Architecture(name="small_cnn")


@pytest.mark.parametrize(
    ("architecture", "strategy", "function", "message"),
    [
        ({"name": "smal_cnn"}, {"strategy": "autoinit"}, "relu(x)", "Did you mean 'small_cnn'"),
        (
            {"name": "small_cnn", "options": {"dept": 3}},
            {"strategy": "autoinit"},
            "relu(x)",
            "Did you mean 'depth'",
        ),
        (
            {"name": "small_cnn", "options": {"filters": [4] * 5}},
            {"strategy": "autoinit"},
            "relu(x)",
            "at least 32 x 32",
        ),
        ({"name": "small_cnn"}, {"strategy": "autoint"}, "relu(x)", "Received: 'autoint'"),
        ({"name": "small_cnn"}, {"strategy": "he_normal", "options": {"gain": 2}}, "relu(x)", "gain"),
        ({"name": "small_cnn"}, {"strategy": "autoinit"}, "relux", "relux"),
    ],
)
def test_what_does_not_exist_is_refused(
    architecture: dict[str, Any], strategy: dict[str, Any], function: str, message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        check_experiment(DIGITS, [Architecture(**architecture)], [Strategy(**strategy)], [function])


def test_what_exists_passes() -> None:
    check_experiment(
        DIGITS, [SMALL], [Strategy(strategy=s) for s in ("default", "autoinit", "autoinit++")], ["elu(x)"]
    )


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (CompareSettings(architecture=SMALL, strategies=["glorot"]), "Received: 'glorot'"),
        (CompareSettings(architecture=SMALL, baseline="relu"), "relu"),
        (PangaeaSettings(architecture=SMALL, initialization="glorot"), "Received: 'glorot'"),
        (
            PangaeaSettings(architecture=SMALL, rerank={"training": {"epoch": 9}}),
            "search.rerank.training: .*'epochs'",
        ),
        (
            SweepSettings(
                architecture=SMALL,
                strategies=["autoinit"],
                axes=[{"key": "architecture.dropout", "values": [0, 7]}],
            ),
            "dropout",
        ),
        (
            SweepSettings(
                architecture=SMALL, strategies=["autoinit"], axes=[{"key": "activation", "values": ["x y"]}]
            ),
            "x y",
        ),
    ],
)
def test_every_search_checks_its_experiment(settings: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        settings.create(
            SearchJob(seed=0, generations=1, task={"name": "digits"}, info=DIGITS, training={"epochs": 1})
        )
