from __future__ import annotations

import keras
import numpy as np
import pytest

from gondwana import tasks
from gondwana.tasks import architectures
from gondwana.tasks.architectures import registry
from gondwana.tasks.base import TaskInfo
from gondwana.tasks.splits import classification_head
from gondwana.tasks.training.fit import Recipe, train
from tests.helpers.networks import relu, same_weights

CIFAR = TaskInfo("cifar", (32, 32, 3), (classification_head(10),))
SMALL = {
    "small_cnn": {"filters": (4, 4), "dropout": 0.2},
    "all_cnn_c": {"width": 4},
    "resnet": {"depth": 11, "filters": 2},
    "wide_resnet": {"depth": 10, "width": 1, "filters": 2, "dropout": 0.1},
}


def build(name: str, info: TaskInfo = CIFAR, seed: int = 0, **options: object) -> keras.Model:
    return architectures.build(name, info, activation=relu, seed=seed, **options)


def weights(model: keras.Model) -> int:
    """Trainable weights."""
    return sum(int(np.prod(w.shape)) for w in model.trainable_weights)


def test_every_architecture_is_tested_here():
    elsewhere = {"saved_model"}  # of the user's own, in test_saved_model.py
    assert set(architectures.names()) - elsewhere == set(SMALL)


@pytest.mark.parametrize("name", SMALL)
def test_the_seed_decides_all_weights_and_no_two_layers_share_theirs(name):
    one, same, other = (build(name, seed=seed, **SMALL[name]) for seed in (3, 3, 4))
    assert same_weights(one, same)
    assert not same_weights(one, other)
    kernels = [w.numpy() for w in one.trainable_weights if w.name == "kernel"]
    for i, kernel in enumerate(kernels):
        assert not any(k.shape == kernel.shape and np.array_equal(k, kernel) for k in kernels[:i])


@pytest.mark.parametrize("name", SMALL)
def test_it_builds_for_several_heads_and_trains(name):
    heads = (classification_head(3, name="a"), classification_head(5, name="b"))
    info = TaskInfo("two", (16, 16, 1), heads)
    model = build(name, info, **SMALL[name])
    assert model.output_names == ["a", "b"]
    assert [tuple(o.shape) for o in model.outputs] == [(None, 3), (None, 5)]
    x = np.random.default_rng(0).normal(size=(8, 16, 16, 1)).astype(np.float32)
    split = tasks.Split(x, {"a": np.arange(8) % 3, "b": np.arange(8) % 5})
    history = train(model, tasks.SearchData(split, split), info, Recipe(epochs=1), 0)
    assert np.isfinite(history.epochs[0].loss)


@pytest.mark.parametrize("name", SMALL)
def test_every_activation_layer_is_made_by_the_function_under_a_name_of_its_own(name):
    made = []

    def activation(layer_name: str) -> keras.Layer:
        made.append(layer_name)
        return relu(layer_name)

    model = architectures.build(name, CIFAR, activation=activation, seed=0, **SMALL[name])
    assert len(set(made)) == len(made) > 0
    assert {layer.name for layer in model.layers if isinstance(layer, keras.layers.ReLU)} == set(made)


@pytest.mark.parametrize("name", SMALL)
def test_unknown_options_and_wrong_input_are_refused(name):
    with pytest.raises(ValueError, match=rf"unknown option of architecture '{name}' 'dpth'"):
        build(name, dpth=3)
    with pytest.raises(ValueError, match=r"needs images .* Received: task 'flat' with input shape \(5,\)"):
        build(name, TaskInfo("flat", (5,), CIFAR.heads))


def test_an_unknown_architecture_is_refused_with_the_closest_name():
    with pytest.raises(ValueError, match=r"unknown architecture 'resnets'. Did you mean 'resnet'\?"):
        build("resnets")


def test_a_name_can_be_registered_once():
    with pytest.raises(ValueError, match=r"already registered by gondwana.tasks.architectures.resnet"):
        registry.register("resnet")(lambda info: None)


def test_all_cnn_c_has_the_1_4_million_weights_of_its_paper():
    # Springenberg et al. (2015), Table 4 gives about 1.4 M; counted by hand from their Table 1:
    kernels = 9 * (3 * 96 + 2 * 96 * 96 + 96 * 192 + 3 * 192 * 192) + 192 * 192 + 192 * 10
    assert weights(build("all_cnn_c")) == kernels + 3 * 96 + 5 * 192 + 10


def test_all_cnn_c_drops_at_the_input_and_after_the_strided_convolutions():
    rates = {
        layer.name: layer.rate
        for layer in build("all_cnn_c").layers
        if isinstance(layer, keras.layers.Dropout)
    }
    assert rates == {"dropout_input": 0.2, "dropout_3": 0.5, "dropout_6": 0.5}
    plain = build("all_cnn_c", dropout=0, input_dropout=0)
    assert not any(isinstance(layer, keras.layers.Dropout) for layer in plain.layers)


@pytest.mark.slow
@pytest.mark.parametrize(("depth", "count"), [(56, 0.6e6), (164, 1.7e6)])
def test_resnets_have_as_many_layers_and_weights_as_they_should(depth, count):
    model = build("resnet", depth=depth)
    on_path = [
        layer for layer in model.layers if layer.name.startswith("conv") and "shortcut" not in layer.name
    ]
    assert len(on_path) + 1 == depth
    assert weights(model) == pytest.approx(count, rel=0.05)  # He et al. (2016b) give 1.7 M for ResNet-164


def test_wide_resnet_28_10_has_the_36_5_million_weights_of_its_paper():
    assert weights(build("wide_resnet", depth=28, width=10)) == pytest.approx(36.5e6, rel=0.01)


@pytest.mark.parametrize("name", ["resnet", "wide_resnet"])
def test_without_normalization_there_is_none_and_convolutions_have_biases(name):
    with_norm, without = (build(name, normalization=n, **SMALL[name]) for n in (True, False))
    assert any(isinstance(layer, keras.layers.BatchNormalization) for layer in with_norm.layers)
    assert not any(isinstance(layer, keras.layers.BatchNormalization) for layer in without.layers)
    assert all(layer.use_bias for layer in without.layers if isinstance(layer, keras.layers.Conv2D))


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("resnet", {"depth": 57}, r"'depth' must be 9 n \+ 2, such as 56 or 65. Received: 57"),
        ("wide_resnet", {"depth": 12}, r"'depth' must be 6 n \+ 4, such as 10 or 16"),
        ("resnet", {"normalization": 1}, "'normalization' must be true or false"),
        ("wide_resnet", {"width": 0}, "'width' must be a whole number of at least 1"),
        ("small_cnn", {"dropout": 1.0}, "'dropout' must be a number of at least 0 and at most 0.99"),
        ("small_cnn", {"filters": (0,)}, "each entry of 'filters'"),
        ("all_cnn_c", {"width": 2.5}, "'width' must be a whole number"),
    ],
)
def test_values_out_of_range_are_refused(name, options, message):
    with pytest.raises(ValueError, match=message):
        build(name, **options)
