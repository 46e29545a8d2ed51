"""A training that is interrupted and goes on comes to the same weights, on every optimizer and in half precision."""

from __future__ import annotations

import keras
import numpy as np
import pytest

from gondwana.tasks.base import SearchData, Split, TaskInfo
from gondwana.tasks.splits import classification_head
from gondwana.tasks.training import fit
from gondwana.tasks.training.fit import train
from gondwana.tasks.training.loops import KerasLoop
from gondwana.tasks.training.recipe import Recipe
from gondwana.tasks.training.state import StateError, TrainingState

INFO = TaskInfo("made", (6,), (classification_head(3),))


@pytest.fixture(scope="module")
def data() -> SearchData:
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(90, 6)).astype("float32"), rng.integers(0, 3, 90)
    return SearchData(Split(x, y), Split(x[:30], y[:30]))


def network(units: int = 8, dtype: str | None = None) -> keras.Model:
    inputs = keras.Input((6,))
    x = keras.layers.Dense(
        units,
        "relu",
        kernel_initializer=keras.initializers.HeNormal(seed=1),
        kernel_regularizer="l2",
        dtype=dtype,
    )(inputs)
    x = keras.layers.BatchNormalization(dtype=dtype)(x)
    x = keras.layers.Dropout(0.3, seed=5, dtype=dtype)(x)
    outputs = keras.layers.Dense(
        3,
        "softmax",
        kernel_initializer=keras.initializers.HeNormal(seed=2),
        name="output",
        dtype="float32",
    )(x)
    return keras.Model(inputs, outputs)


def weights(model: keras.Model) -> list[np.ndarray]:
    return [np.array(keras.ops.convert_to_numpy(weight)) for weight in model.weights]


RECIPES = {
    "adam": {},
    "momentum": {"optimizer": "sgd", "momentum": 0.9, "nesterov": True},
    "rmsprop": {"optimizer": "rmsprop", "momentum": 0.5},
    "decay": {"decoupled_weight_decay": 0.01, "clip_norm": 1.0, "weight_decay": 1e-3},
}


@pytest.mark.slow
@pytest.mark.parametrize("loop", ["own", "keras"])
@pytest.mark.parametrize("name", RECIPES)
def test_a_training_in_parts_ends_with_the_weights_of_one_in_one_go(data, monkeypatch, name, loop):
    if loop == "keras":
        monkeypatch.setattr(fit, "make_loop", KerasLoop)
    recipe = Recipe.from_json({"epochs": 5, "batch_size": 16, "schedule": "cosine", **RECIPES[name]})
    whole = network()
    history = train(whole, data, INFO, recipe, 7)
    assert history.state is None
    state = None
    for until in (1, 3, 5):
        model = network()  # with other weights than those it goes on from
        history = train(model, data, INFO, recipe, 7, until=until, start=state)
        assert history.steps == 6 * until
        state = history.state and TrainingState.from_bytes(history.state.to_bytes())
    assert state is None
    for ours, theirs in zip(weights(model), weights(whole), strict=True):
        np.testing.assert_array_equal(ours, theirs)


def test_half_precision_goes_on_with_its_loss_scale(data):
    recipe = Recipe.from_json({"epochs": 2, "batch_size": 16})
    policy = keras.config.dtype_policy()
    keras.config.set_dtype_policy("mixed_float16")
    try:
        whole, first, second = network(), network(), network()
        train(whole, data, INFO, recipe, 7)
        state = train(first, data, INFO, recipe, 7, until=1).state
        train(second, data, INFO, recipe, 7, start=state)
    finally:
        keras.config.set_dtype_policy(policy)
    for ours, theirs in zip(weights(second), weights(whole), strict=True):
        np.testing.assert_array_equal(ours, theirs)


def test_a_state_of_another_network_is_refused_and_changes_nothing(data):
    recipe = Recipe.from_json({"epochs": 3, "batch_size": 16})
    state = train(network(units=5), data, INFO, recipe, 7, until=1).state
    model = network()
    before = weights(model)
    with pytest.raises(StateError, match="another model"):
        train(model, data, INFO, recipe, 7, start=state)
    for ours, theirs in zip(weights(model), before, strict=True):
        np.testing.assert_array_equal(ours, theirs)


@pytest.mark.parametrize("damage", [b"", b"PK", "half", "flipped"])
def test_damaged_bytes_are_told(data, damage):
    recipe = Recipe.from_json({"epochs": 3, "batch_size": 16})
    state = train(network(), data, INFO, recipe, 7, until=1).state
    content = state.to_bytes()
    if damage == "half":
        damage = content[: len(content) // 2]
    elif damage == "flipped":
        place = len(content) // 2
        damage = content[:place] + bytes([content[place] ^ 255]) + content[place + 1 :]
    with pytest.raises(StateError):
        TrainingState.from_bytes(damage)
