"""Settings: what is refused, and with which words."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from gondwana.nas.searches.codeepneat.create import CoDeepNEATConfig
from gondwana.nas.searches.codeepneat.settings import CoDeepNEATSettings
from gondwana.nas.searches.job import SearchJob
from tests.helpers.codeepneat import IMAGES, SPACES, TABLE, search, settings


def test_the_defaults_are_table_1() -> None:
    found = CoDeepNEATSettings.model_validate({"kind": "codeepneat", "space": SPACES["images"]})
    assert (found.population.blueprints, found.population.modules, found.evaluations) == (22, 56, 4)
    assert (found.species.blueprints, found.species.modules, found.preserved_networks) == (1, 4, 12)
    assert (found.elitism.blueprints, found.elitism.modules) == (0.4, 0.4)
    mutation = found.mutation
    assert (mutation.change_hyperparameter, mutation.new_layer, mutation.new_node) == (0.25, 0.08, 0.16)
    assert (mutation.new_connection.blueprints, mutation.new_connection.modules) == (0.12, 0.08)


@pytest.mark.parametrize(
    ("changes", "part"),
    [
        ({"population": {"blueprints": -1, "modules": 9}}, "greater than or equal to 1"),
        ({"population": {"blueprints": 5, "module": 9}}, "module"),
        ({"evaluations": 0}, "greater than or equal to 1"),
        ({"elitism": 1.5}, "less than or equal to 1"),
        ({"mutation": {"new_layers": 0.1}}, "new_layers"),
        ({"mutations": {}}, "mutations"),
        ({"species": {"blueprints": 1, "modules": 10}}, "cannot form"),
        ({"objectives": ["parameters"]}, "starts with 'fitness'"),
        ({"objectives": ["fitness", "flops"]}, "flops"),
        ({"initial_sizes": {"blueprints": [3, 1]}}, "smallest"),
        ({"initial_sizes": {"blueprints": [0, 1]}}, "greater than or equal to 1"),
    ],
)
def test_bad_settings_are_refused(changes: dict[str, Any], part: str) -> None:
    with pytest.raises(ValidationError, match=part):
        settings(**changes)


@pytest.mark.parametrize(
    ("changes", "part"),
    [
        ({"layers": ["Add", "Conv2d"]}, "Did you mean 'Conv2D'"),
        ({"layers": ["Add", "Dropout"]}, "with weights"),
        ({"layers": ["Conv2D", "Conv2D"]}, "once"),
        ({"layers": []}, "at least 1"),
        ({"genes": {"kernel_size": [1, 3]}}, "Conv2D needs a domain for 'filters'"),
        ({"layers": ["Conv2D"], "genes": SPACES["images"]["genes"]}, "no layer in 'layers'"),
        ({"layers": {"Conv2D": {"filter": [1]}, "Add": {}}}, "has no hyperparameter 'filter'"),
        ({"modules": ["no_such_module_anywhere"]}, "cannot import"),
        ({"network": {"readout": ["sum"]}}, "readout"),
        ({"max_layers": 0}, "greater than or equal to 1"),
    ],
)
def test_bad_spaces_are_refused(changes: dict[str, Any], part: str) -> None:
    with pytest.raises(ValidationError, match=part):
        settings(space=SPACES["images"] | changes)


def test_a_network_gene_is_one_of_the_model_or_of_the_training() -> None:
    network = {"learning_rates": {"low": 1e-4, "high": 1e-2}}
    with pytest.raises(ValueError, match="Did you mean 'learning_rate'"):
        search(space=SPACES["images"] | {"network": network})


def test_network_genes_reach_into_the_training_recipe_and_are_checked_before_the_run() -> None:
    network = {"augmentation.rotation": {"low": 0.0, "high": 40.0}, "optimizer": ["adam", "sgd"]}
    candidates = search(space=SPACES["images"] | {"network": network}).ask(10)
    assert len({c.spec["training"]["augmentation"]["rotation"] for c in candidates}) > 3
    assert {c.spec["training"]["optimizer"] for c in candidates} == {"adam", "sgd"}
    network = {"learning_rate": {"low": -1.0, "high": 0.0}}
    with pytest.raises(ValueError, match="learning_rate"):
        search(space=SPACES["images"] | {"network": network})


def test_a_space_that_does_not_fit_the_task_is_refused_before_the_run() -> None:
    with pytest.raises(ValueError, match="Conv2D works on tensors of rank"):
        settings("images").create(
            SearchJob(
                seed=0,
                generations=1,
                task={"name": "table", "options": {}},
                info=TABLE,
                training={},
                limits={},
            )
        )
    assert IMAGES.input_shape == (8, 8, 1)


def test_layers_may_have_domains_of_their_own() -> None:
    genes = {"kernel_size": [1, 3], "filters": {"low": 16, "high": 96}}
    found = settings(space={"layers": {"Conv2D": {"filters": [8]}, "Add": None}, "genes": genes})
    assert found.space.domains("Conv2D")["filters"].values == (8,)  # type: ignore[union-attr]


@pytest.mark.parametrize("name", sorted(SPACES))
def test_settings_survive_json(name: str) -> None:
    found = settings(name)
    assert CoDeepNEATConfig.model_validate_json(found.model_dump_json()) == found


@pytest.mark.parametrize("strategy", ["autoinitt", {"strategy": "autoinit", "options": {"colour": 1}}])
def test_an_unknown_strategy_is_refused_before_anything_is_trained(strategy) -> None:
    with pytest.raises(ValueError, match=r"strategy must be one of|unknown options"):
        search("images", initialization=strategy)
