"""The configs of the paper's five tasks are Table 1, and every search config is valid."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from gondwana.nas.searches.codeepneat.create import CoDeepNEATConfig
from gondwana.nas.searches.codeepneat.genes.domains import Choice, Range
from gondwana.tasks.training.recipe import Recipe

CONFIGS = Path(__file__).resolve().parents[3] / "configs"


def read(name: str) -> dict[str, Any]:
    data: dict[str, Any] = yaml.safe_load((CONFIGS / f"{name}.yaml").read_text())
    return data


def searches() -> list[str]:
    names = sorted(path.stem for path in CONFIGS.glob("*.yaml"))
    return [name for name in names if read(name)["search"]["kind"] == "codeepneat"]


@pytest.mark.parametrize("name", searches())
def test_search_and_training_of_every_config_are_valid(name: str) -> None:
    data = read(name)
    CoDeepNEATConfig.model_validate(data["search"])
    Recipe.from_json(data["training"])
    assert data["name"] == name


# Columns of Table 1 on the space: dropout, filters or units, least penalty, penalties, kernel sizes, largest rate of
# learning.
SPACE: dict[str, tuple[Any, ...]] = {
    "mnist": (0.7, (16, 96), 1e-9, ("l2",), (1, 3), 1e-2),
    "omniglot": (0.7, (16, 96), 1e-9, ("l2",), (1, 3), 1e-3),
    "adult": (0.9, (64, 192), 1e-9, ("l1", "l2"), None, 1e-2),
    "toxicity": (0.5, (64, 192), 1e-9, ("l1", "l2"), (1, 3, 5, 7), 1e-2),
    "flowers": (0.9, (64, 192), 1e-7, ("l1", "l2"), None, 1e-1),
}
# Columns on the evolution: elitism (B, M), evaluations, generations, population (B, M), preserved, species (M); change,
# connection (B, M), layer, node.
EVOLUTION: dict[str, tuple[Any, ...]] = {
    "mnist": (0.4, 0.4, 4, 30, 22, 56, 12, 4, 0.25, 0.12, 0.08, 0.08, 0.16),
    "omniglot": (0.4, 0.4, 4, 40, 22, 56, 12, 4, 0.25, 0.12, 0.08, 0.08, 0.16),
    "adult": (0.4, 0.4, 4, 30, 22, 56, 12, 4, 0.25, 0.12, 0.08, 0.08, 0.16),
    "toxicity": (0.2, 0.2, 4, 30, 22, 56, 12, 4, 0.5, 0.2, 0.2, 0.2, 0.2),
    "flowers": (0.1, 0.4, 1, 30, 20, 20, 1, 2, 0.5, 0.12, 0.08, 0.08, 0.16),
}
TABLE_1 = {name: SPACE[name] + EVOLUTION[name] for name in SPACE}
LAYERS = {
    "mnist": {"Add", "Conv2D", "Dropout", "MaxPooling2D"},
    "omniglot": {"Conv2D", "Dropout", "MaxPooling2D", "WeightedSum"},
    "adult": {"Add", "Concatenate", "Dense", "Dropout"},
    "toxicity": {"Add", "Concatenate", "Conv1D", "GRU", "LSTM", "MaxPooling1D", "SpatialDropout1D"},
    "flowers": {"Dense", "Dropout"},
}
TRAINING = {"mnist": (5, 128), "adult": (25, 32), "toxicity": (3, 128), "flowers": (30, 8)}


def values(domain: Range | Choice | None) -> tuple[Any, ...] | None:
    if domain is None:
        return None
    return domain.values if isinstance(domain, Choice) else (domain.low, domain.high)


@pytest.mark.parametrize("name", sorted(TABLE_1))
def test_the_configs_are_table_1(name: str) -> None:
    data = read(name)
    found = CoDeepNEATConfig.model_validate(data["search"])
    genes: dict[str, Any] = found.space.genes
    for width in {"filters", "units"} & set(genes):
        assert values(genes[width]) == TABLE_1[name][1]
    mutation = found.mutation
    assert (
        values(genes["rate"])[1],  # type: ignore[index]
        TABLE_1[name][1],
        values(genes["regularization"])[0],  # type: ignore[index]
        values(genes["kernel_regularizer"]),
        values(genes.get("kernel_size")),
        values(found.space.network["learning_rate"])[1],  # type: ignore[arg-type, index]
        found.elitism.blueprints,
        found.elitism.modules,
        found.evaluations,
        data["generations"],
        found.population.blueprints,
        found.population.modules,
        found.preserved_networks,
        found.species.modules,
        mutation.change_hyperparameter,
        mutation.new_connection.blueprints,
        mutation.new_connection.modules,
        mutation.new_layer,
        mutation.new_node,
    ) == TABLE_1[name]
    assert set(found.space.layers) == LAYERS[name]
    assert found.species.blueprints == 1
    assert values(genes["activation"]) == ("relu", "linear", "elu", "selu")
    assert genes["regularization"].scale == found.space.network["learning_rate"].scale == "log"  # type: ignore[union-attr]
    assert data["training"].get("steps_per_epoch") == (1000 if name == "omniglot" else None)
    if name in TRAINING:
        assert (data["training"]["epochs"], data["training"]["batch_size"]) == TRAINING[name]
