"""Layer types of a user's own, activation functions as genes, weighted sums."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gondwana import autoinit
from gondwana.nas.searches.codeepneat.genes.activation_genes import MAX_OPERATORS, Functions, graph_of
from gondwana.nas.searches.codeepneat.layers.builtin import KERNEL
from gondwana.nas.searches.codeepneat.layers.registry import (
    MergeType,
    UnknownLayerError,
    find,
    layer_type,
    merge_type,
    register,
)
from gondwana.nas.searches.codeepneat.layers.weighted_sum import WeightedSum
from gondwana.nas.searches.codeepneat.network.build import build, parameter_count
from tests.helpers.codeepneat import IMAGES, SPACES, run, search


def with_layers(*names: str, **genes: Any) -> dict[str, Any]:
    return {"layers": list(names), "genes": genes, "network": SPACES["images"]["network"]}


def test_a_layer_type_of_the_users_own_is_one_record_and_a_line_of_the_config() -> None:
    space = with_layers("SeparableConv2D", "Add", filters={"low": 2, "high": 6})
    space["modules"] = ["tests.helpers.my_layers"]
    candidates = run(search(space=space, generations=3))
    for candidate in candidates[-4:]:
        spec = candidate.spec["model"]
        model = build(spec, IMAGES, candidate.seed)
        assert any(isinstance(layer, keras.layers.SeparableConv2D) for layer in model.layers)
        assert model.count_params() == parameter_count(spec, IMAGES)


def test_names_are_registered_once_and_used_in_their_place() -> None:
    with pytest.raises(ValueError, match="registered already"):
        register(find("Add"))
    with pytest.raises(UnknownLayerError, match="Did you mean 'Dense'"):
        layer_type("Dens")
    with pytest.raises(UnknownLayerError, match="joins several inputs"):
        layer_type("Add")
    with pytest.raises(UnknownLayerError, match="cannot join"):
        merge_type("Dense")
    assert isinstance(find("WeightedSum"), MergeType)
    assert set(KERNEL) <= set(layer_type("Dense").genes)


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 2**32 - 1))
def test_function_genes_stay_usable_under_mutation(seed: int) -> None:
    from gondwana import activations

    domain, rng = Functions(source="pangaea", initial=("relu", "elu")), np.random.default_rng(seed)
    value = domain.sample(rng)
    assert value in ("relu", "elu")
    for _ in range(4):
        child = domain.change(value, rng)
        assert child == str(activations.parse(child))
        assert domain.contains(child)
        assert domain.distance(value, child) == 1
        assert activations.problem(graph_of(child)) is None
        assert graph_of(child).parameters <= 3
        value = child
    assert domain.change("elu", np.random.default_rng(seed)) == domain.change(
        "elu", np.random.default_rng(seed)
    )


def test_random_initial_functions_are_usable() -> None:
    from gondwana import activations

    rng = np.random.default_rng(0)
    for _ in range(5):
        text = Functions(source="pangaea").sample(rng)
        assert activations.problem(graph_of(text)) is None


def test_a_function_is_of_bounded_size() -> None:
    domain, rng = Functions(source="pangaea", initial=("relu",)), np.random.default_rng(0)
    value = domain.sample(rng)
    for _ in range(40):
        value = domain.change(value, rng)
        assert graph_of(value).size <= MAX_OPERATORS


@pytest.mark.parametrize("text", ["__import__('os').system('x')", "relu(", "nothing"])
def test_what_is_no_function_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        Functions(source="pangaea", initial=(text,))


def test_architectures_and_functions_evolve_together() -> None:
    space = with_layers(
        "Conv2D",
        "MaxPooling2D",
        "Add",
        filters={"low": 2, "high": 6},
        kernel_size=[3],
        activation={"source": "pangaea", "initial": ["relu"]},
    )
    candidates = run(search(space=space, generations=5))
    texts = {
        layer["genes"]["activation"]
        for c in candidates
        for module in c.spec["model"]["modules"].values()
        for layer in module["layers"]
        if "activation" in layer["genes"]
    }
    assert "relu" in texts
    assert len(texts) > 3
    for candidate in candidates[-5:]:
        model = build(candidate.spec["model"], IMAGES, candidate.seed)
        assert model.count_params() == parameter_count(candidate.spec["model"], IMAGES)
        autoinit.initialize(model, "autoinit", seed=candidate.seed)


def test_weighted_sums_start_as_means_and_know_their_signal() -> None:
    inputs = [keras.Input((5,)) for _ in range(3)]
    layer = WeightedSum(name="mix")
    model = keras.Model(inputs, layer(inputs))
    arrays = [np.full((2, 5), float(i), "float32") for i in range(3)]
    np.testing.assert_allclose(model(arrays), 1.0, rtol=1e-6)
    layer.scores.assign([0.0, 0.0, np.log(2.0)])
    np.testing.assert_allclose(model(arrays), 1 / 4 + 2 / 2, rtol=1e-6)
    again = keras.models.model_from_json(model.to_json())
    again.set_weights(model.get_weights())
    np.testing.assert_allclose(again(arrays), model(arrays))


def test_weighted_sums_need_equal_shapes() -> None:
    with pytest.raises(ValueError, match="one shape"):
        WeightedSum()([keras.Input((5,)), keras.Input((4,))])


def test_networks_with_weighted_sums_are_initialized_without_a_warning() -> None:
    space = with_layers(
        "Conv2D",
        "WeightedSum",
        filters={"low": 2, "high": 6},
        kernel_size=[1, 3],
        activation=["relu", "selu"],
    )
    mutation = {"new_connection": 0.9, "new_layer": 0.5, "new_node": 0.5}
    candidates = run(search(space=space, generations=4, mutation=mutation))
    mixing = 0
    for candidate in candidates[-6:]:
        model = build(candidate.spec["model"], IMAGES, candidate.seed)
        assert model.count_params() == parameter_count(candidate.spec["model"], IMAGES)
        mixing += any(isinstance(layer, WeightedSum) for layer in model.layers)
        autoinit.initialize(model, "autoinit", seed=candidate.seed)
    assert mixing > 0
