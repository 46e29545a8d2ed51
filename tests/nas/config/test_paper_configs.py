"""The configs of the paper's experiments: valid, planned as the paper says, each with a small twin."""

from __future__ import annotations

from pathlib import Path

import pytest

from gondwana.nas.config.schema import load_config
from gondwana.nas.engine.execute import build_search

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parents[3] / "configs"
PAPER = sorted((ROOT / "paper").glob("*.yaml"))
OTHERS = [
    ROOT / f"{name}.yaml" for name in ("compare-digits", "pangaea-digits", "pangaea-cifar10", "random-digits")
]


@pytest.mark.parametrize("path", [*PAPER, *OTHERS], ids=lambda path: path.stem)
def test_the_config_is_valid_and_its_command_names_it(path: Path) -> None:
    config = load_config(path)
    assert config.name == path.stem
    search = build_search(config)
    assert search.ask(2)
    relative = path.relative_to(ROOT.parent)
    assert any(
        f"gondwana {verb} {relative}" in path.read_text(encoding="utf-8") for verb in ("compare", "evolve")
    )


@pytest.mark.parametrize(
    "section", ["section4", "section5-learning-rates", "section5-schedules", "section6", "section7"]
)
def test_every_experiment_has_a_small_twin_of_the_same_kind(section: str) -> None:
    small = load_config(ROOT / "paper" / f"{section}-small.yaml")
    full = [load_config(path) for path in PAPER if path.stem.startswith(section) and "small" not in path.stem]
    assert full
    for config in full:
        assert config.search.kind == small.search.kind
        assert len(config.search.strategies) == len(small.search.strategies)  # type: ignore[union-attr]


def test_section_7_trains_200_functions_drawn_for_each_of_three_strategies() -> None:
    config = load_config(ROOT / "paper" / "section7.yaml")
    search = build_search(config)
    assert search.progress().total == 3 + 3 * 200
    assert config.search.paired is False  # type: ignore[union-attr]
    schedule = config.training["schedule"]
    assert (config.training["epochs"], list(schedule["epochs"])) == (350, [200, 250, 300])
    unadjusted = {"dropout_adjustment": False}
    options = [item.options for item in config.search.strategies]  # type: ignore[union-attr]
    assert options == [{}, unadjusted, {**unadjusted, "propagation": "paper"}]


@pytest.mark.parametrize("task", ["mnist", "omniglot", "adult", "toxicity", "flowers"])
def test_section_6_is_the_tasks_own_config_under_both_initializations(task: str) -> None:
    alone, both = load_config(ROOT / f"{task}.yaml"), load_config(ROOT / "paper" / f"section6-{task}.yaml")
    assert [item.strategy for item in both.search.strategies] == ["evolved", "autoinit-paper"]  # type: ignore[union-attr]
    unset = {"initialization"}
    evolution = both.search.evolution  # type: ignore[union-attr]
    assert evolution.model_dump(exclude=unset) == alone.search.model_dump(exclude=unset)
    assert "kernel_initializer" in evolution.space.genes
    for part in ("task", "training", "generations", "limits", "seed"):
        assert getattr(both, part) == getattr(alone, part), part
