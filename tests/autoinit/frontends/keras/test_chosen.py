"""Which layers are drawn: frozen ones, chosen ones, LoRA and quantized ones."""

import keras
import numpy as np
import pytest
from keras import layers

from gondwana import autoinit
from gondwana.autoinit import AutoInit, AutoInitError
from gondwana.autoinit.frontends.keras.chosen import choose

STRATEGIES = [name for name in autoinit.STRATEGIES if name != "autoinit++"]


def backbone() -> keras.Sequential:
    return keras.Sequential(
        [
            keras.Input((12, 12, 3)),
            layers.Conv2D(8, 3, activation="relu", name="conv"),
            layers.BatchNormalization(name="norm"),
            layers.GlobalAveragePooling2D(),
        ],
        name="backbone",
    )


def network(*, frozen: bool) -> keras.Model:
    body = backbone()
    rng = np.random.default_rng(0)
    body.set_weights([np.abs(rng.normal(0.7, 0.5, w.shape)).astype(np.float32) for w in body.get_weights()])
    body.trainable = not frozen
    inputs = keras.Input((12, 12, 3))
    x = layers.Dense(6, activation="relu", name="hidden")(body(inputs))
    return keras.Model(inputs, layers.Dense(4, name="head")(x))


def weights_of(model: keras.Model, *names: str) -> list[bytes]:
    return [w.tobytes() for name in names for w in model.get_layer(name).get_weights()]


@pytest.mark.parametrize("strategy", STRATEGIES)
@pytest.mark.parametrize("seed", range(3))
def test_frozen_layers_keep_every_byte(strategy, seed):
    model = network(frozen=True)
    before = weights_of(model, "backbone")
    head = weights_of(model, "head")
    autoinit.initialize(model, strategy, seed=seed)
    assert weights_of(model, "backbone") == before
    assert weights_of(model, "head") != head


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_layers_that_are_not_chosen_keep_every_byte(strategy):
    model = network(frozen=False)
    before = weights_of(model, "backbone", "hidden")
    head = weights_of(model, "head")
    autoinit.initialize(model, strategy, seed=1, layers="head")
    assert weights_of(model, "backbone", "hidden") == before
    assert weights_of(model, "head") != head


def test_autoinit_plus_plus_leaves_frozen_layers_and_their_activations():
    model = network(frozen=True)
    before = weights_of(model, "backbone")
    new = autoinit.initialize(model, "autoinit++", seed=1)
    assert weights_of(new, "backbone") == before
    assert new.get_layer("backbone").get_layer("conv").activation is keras.activations.relu
    assert isinstance(new.get_layer("hidden").activation, autoinit.CenteredActivation)


@pytest.mark.parametrize("propagation", ["paper", "exact"])
def test_a_head_is_scaled_for_what_its_frozen_backbone_puts_out(propagation):
    model = network(frozen=True)
    x = np.random.default_rng(1).normal(size=(512, 12, 12, 3)).astype(np.float32)
    found = []
    for seed in range(12):
        AutoInit(seed=seed, propagation=propagation).initialize_model(model)
        features = model.get_layer("backbone")(x)
        kernel = model.get_layer("hidden").kernel
        found.append(float(keras.ops.mean(keras.ops.square(features @ kernel))))
    assert np.mean(found) == pytest.approx(1.0, rel=0.25)
    assert float(keras.ops.mean(keras.ops.square(features))) > 3  # so that the test could fail


def test_the_statistics_of_a_frozen_batch_normalization_count():
    model = keras.Sequential(
        [
            keras.Input((20,)),
            layers.BatchNormalization(name="norm", trainable=False),
            layers.Dense(30, name="head"),
        ]
    )
    model.get_layer("norm").set_weights([np.full(20, v, np.float32) for v in (2.0, 0.0, 0.0, 0.01)])
    planned = autoinit.plan(model, propagation="exact")
    assert planned.calls[0].outputs[0].second_moment == pytest.approx(4 / 0.011, rel=0.05)
    assert planned.calls[0].kept == "frozen"


def test_a_frozen_table_of_embeddings_is_kept():
    table = layers.Embedding(50, 8, name="table")
    model = keras.Sequential([keras.Input((6,)), table, layers.Flatten(), layers.Dense(3, name="head")])
    table.set_weights([np.full((50, 8), 3.0, np.float32)])
    table.trainable = False
    planned = autoinit.plan(model, propagation="exact")
    assert planned.calls[0].outputs[0].second_moment == pytest.approx(9.0)
    assert planned.weights[0].deviation ** 2 == pytest.approx(1 / (48 * 9.0), rel=0.01)


def test_a_frozen_variable_of_a_trainable_layer_is_kept():
    model = keras.Sequential([keras.Input((8,)), layers.Dense(5, name="a"), layers.Dense(3, name="b")])
    model.get_layer("a").kernel.trainable = False
    before = model.get_layer("a").kernel.numpy().tobytes()
    planned = autoinit.plan(model)
    autoinit.apply(planned, model, seed=0)
    assert model.get_layer("a").kernel.numpy().tobytes() == before
    assert [one.path for one in planned.weights] == [model.get_layer("b").kernel.path]


def test_lora_keeps_what_was_trained():
    model = keras.Sequential([keras.Input((8,)), layers.Dense(6, name="a"), layers.Dense(3, name="b")])
    model.get_layer("a").enable_lora(2)
    before = weights_of(model, "a")
    autoinit.initialize(model, "autoinit", seed=0)
    assert weights_of(model, "a") == before
    assert "kept: LoRA" in str(autoinit.plan(model))


def test_a_quantized_layer_is_kept():
    model = keras.Sequential([keras.Input((8,)), layers.Dense(6, name="a"), layers.Dense(3, name="b")])
    model.get_layer("a").quantize("int8")
    before = weights_of(model, "a")
    autoinit.initialize(model, "autoinit", seed=0)
    assert weights_of(model, "a") == before


def test_a_shared_layer_is_kept_in_all_its_calls():
    shared = layers.Dense(8, name="shared")
    inputs = keras.Input((8,))
    model = keras.Model(inputs, layers.Dense(2, name="head")(shared(shared(inputs))))
    shared.trainable = False
    planned = autoinit.plan(model)
    assert [call.kept for call in planned.calls] == ["frozen", "frozen", ""]


@pytest.mark.parametrize(
    ("selector", "drawn"),
    [
        ("head", {"head"}),
        ("h*", {"hidden", "head"}),
        ("backbone/conv", {"backbone/conv"}),
        ("backbone", {"backbone/conv"}),
        (["head", "back*"], {"head", "backbone/conv"}),
        (lambda layer: isinstance(layer, layers.Dense), {"hidden", "head"}),
    ],
)
def test_layers_are_chosen_by_name_path_glob_and_function(selector, drawn):
    planned = autoinit.plan(network(frozen=False), layers=selector)
    assert {call.name for call in planned.calls if call.weighted} == drawn
    others = [call for call in planned.calls if call.kept]
    assert others and all(call.kept == "not chosen" for call in others)


def test_a_layer_object_is_chosen_also_in_a_copy():
    model = network(frozen=False)
    before = weights_of(model, "backbone", "hidden", "head")
    copy = AutoInit(seed=0).initialize_model(model, in_place=False, layers=model.get_layer("head"))
    assert weights_of(model, "backbone", "hidden", "head") == before
    assert weights_of(copy, "backbone", "hidden") == weights_of(model, "backbone", "hidden")
    assert weights_of(copy, "head") != weights_of(model, "head")


@pytest.mark.parametrize(
    ("selector", "message"),
    [
        ("haed", r"no layer matches 'haed'.*head"),
        ([], "layers= is empty"),
        (3, "Received: 3"),
        ([3], "Received: int 3"),
        ("backbone", "nothing that can be drawn"),
        (lambda layer: False, "no layer matches"),
    ],
)
def test_a_choice_of_nothing_is_refused_and_changes_nothing(selector, message):
    model = network(frozen=True)
    before = weights_of(model, "backbone", "hidden", "head")
    with pytest.raises(AutoInitError, match=message):
        autoinit.initialize(model, "autoinit", seed=0, layers=selector)
    assert weights_of(model, "backbone", "hidden", "head") == before


def test_without_a_choice_nothing_of_a_trainable_model_is_kept():
    assert not choose(network(frozen=False)).reasons
