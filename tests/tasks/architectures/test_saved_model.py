"""A network of the user's own, built from what its file says, for the heads of a task."""

from __future__ import annotations

import json

import keras
import numpy as np
import pytest

from gondwana.tasks import architectures, get

layers = keras.layers


def description(model: keras.Model) -> str:
    return json.dumps(keras.saving.serialize_keras_object(model))


def network(
    *, shape: tuple[int, ...] = (8, 8, 1), units: int = 10, activation: str | None = "softmax"
) -> keras.Model:
    inputs = keras.Input(shape)
    x = layers.Flatten()(layers.Conv2D(3, 3, activation="relu", name="first")(inputs))
    return keras.Model(inputs, layers.Dense(units, activation=activation, name="last")(x), name="mine")


def build(config: str, seed: int = 0) -> keras.Model:
    info = get("digits").info
    return architectures.build(
        "saved_model", info, activation=lambda name: layers.ReLU(name=name), seed=seed, config=config
    )


def test_layers_are_those_of_the_file() -> None:
    saved = network()
    model = build(description(saved))
    assert [layer.name for layer in model.layers][1:] == [layer.name for layer in saved.layers][1:]
    assert model.output_shape == (None, 10)
    assert model.get_layer("first").activation is keras.activations.relu


def test_an_output_without_activation_gets_that_of_the_head() -> None:
    model = build(description(network(activation=None)))
    assert model.layers[-1].activation is keras.activations.softmax
    assert model.get_layer("last").activation is keras.activations.linear


def test_a_compiled_model_is_read_without_what_it_was_compiled_with() -> None:
    compiled = network()
    compiled.compile("adam", "categorical_crossentropy")
    assert not build(description(compiled)).compiled


@pytest.mark.parametrize(
    ("model", "words"),
    [
        (network(units=7), r"gives \(7\) for an example, but task 'digits' needs \(10\)"),
        (
            network(shape=(9, 9, 1)),
            r"takes \(9, 9, 1\), but an example of task 'digits' has shape \(8, 8, 1\)",
        ),
    ],
)
def test_a_network_that_does_not_fit_is_refused(model: keras.Model, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        build(description(model))


def test_code_in_a_file_is_refused() -> None:
    inputs = keras.Input((8, 8, 1))
    outputs = layers.Lambda(lambda x: x)(layers.Dense(10)(layers.Flatten()(inputs)))
    with pytest.raises(ValueError, match="the saved network cannot be built"):
        build(description(keras.Model(inputs, outputs)))


@pytest.mark.parametrize(
    "text", ["", "{", "[]", '{"class_name": "Nothing"}', json.dumps({"class_name": "Dense"})]
)
def test_what_describes_no_network_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"needs option 'file'|cannot be built|no functional"):
        build(text)


def test_the_seed_decides_weights_and_dropout() -> None:
    inputs = keras.Input((8, 8, 1))
    x = layers.Dropout(0.5)(layers.Dense(20, activation="relu")(layers.Flatten()(inputs)))
    config = description(keras.Model(inputs, layers.Dense(10)(x)))
    images = np.ones((4, 8, 8, 1), "float32")

    def outputs(seed: int) -> np.ndarray:
        return keras.ops.convert_to_numpy(build(config, seed)(images, training=True))

    np.testing.assert_array_equal(outputs(3), outputs(3))
    assert not np.array_equal(outputs(3), outputs(4))
