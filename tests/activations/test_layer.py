"""GraphActivation on the active Keras backend."""

from __future__ import annotations

import shutil
import subprocess
import sys

import keras
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from keras import ops

from gondwana import activations, autoinit
from gondwana.activations import ActivationError, GraphActivation, InvalidFunctionError, parse

pytestmark = pytest.mark.slow

TENSORFLOW = keras.backend.backend() == "tensorflow"
X = np.random.default_rng(0).normal(size=(6, 5)).astype("float32")


def numpy(tensor) -> np.ndarray:
    return ops.convert_to_numpy(tensor)


def network(text: str, **options) -> keras.Model:
    inputs = keras.Input((8, 8, 3))
    x = keras.layers.Conv2D(4, 3, kernel_initializer=keras.initializers.GlorotUniform(1))(inputs)
    x = GraphActivation(text, **options)(x)
    x = keras.layers.GlobalAveragePooling2D()(x)
    return keras.Model(
        inputs, keras.layers.Dense(2, kernel_initializer=keras.initializers.GlorotUniform(2))(x)
    )


IMAGES = np.random.default_rng(1).normal(size=(5, 8, 8, 3)).astype("float32")


@settings(max_examples=60)
@given(st.integers(0, 2**32 - 1))
def test_layer_and_numpy_agree(seed):
    graph = activations.sample(np.random.default_rng(seed))
    if activations.problem(graph) is not None:
        return
    layer = GraphActivation(graph, dtype="float64")
    x = np.random.default_rng(seed).normal(size=(50, 3))
    tolerance = 1e-9 if numpy(layer(x)).dtype == np.float64 else 1e-4
    np.testing.assert_allclose(numpy(layer(x)), graph(x), rtol=tolerance, atol=tolerance)


def test_parameters_are_one_per_channel_start_at_1_and_are_named_as_in_the_text():
    layer = GraphActivation("a*swish(b*x)")
    layer.build((None, 4, 7))
    assert [(w.name, tuple(w.shape)) for w in layer.weights] == [("a", (7,)), ("b", (7,))]
    assert all((numpy(w) == 1).all() for w in layer.trainable_weights)


def test_parameters_act_on_their_channel():
    layer = GraphActivation("a*tanh(b*x)")
    layer(X)
    a, b = np.arange(1.0, 6), np.linspace(0.5, 2, 5)
    layer.set_weights([a, b])
    np.testing.assert_allclose(numpy(layer(X)), a * np.tanh(b * X), rtol=1e-5)


def test_axis_chooses_the_channels():
    layer = GraphActivation("a*x", axis=1)
    x = np.ones((2, 3, 4), dtype="float32")
    layer(x)
    assert tuple(layer.weights[0].shape) == (3,)
    layer.set_weights([np.array([1.0, 2.0, 3.0])])
    np.testing.assert_array_equal(numpy(layer(x))[0, :, 0], [1, 2, 3])


@pytest.mark.parametrize("axis", [0, 1.0, True, "last"])
def test_a_wrong_axis_is_refused(axis):
    with pytest.raises(ActivationError, match="axis must be an int other than 0"):
        GraphActivation("x", axis=axis)


@pytest.mark.parametrize("graph", [None, 5, b"relu(x)", keras.ops.relu])
def test_what_is_no_function_is_refused(graph):
    with pytest.raises(ActivationError, match="needs a Graph or a text"):
        GraphActivation(graph)


def test_an_axis_that_is_not_there_or_unknown_is_refused():
    with pytest.raises(ActivationError, match="axis 3 is not one"):
        GraphActivation("a*x", axis=3).build((None, 4))
    with pytest.raises(ActivationError, match="must be known"):
        GraphActivation("a*x").build((None, None))
    GraphActivation("relu(x)").build((None, None))


@pytest.mark.parametrize("text", ["one(x)", "a*one(x)", "add(one(x),exp(zero(x)))"])
def test_constant_functions_keep_the_shape(text):
    assert numpy(GraphActivation(text)(X)).shape == X.shape


@pytest.mark.parametrize("jit", [False, True])
def test_parameters_are_trained(jit):
    if jit and keras.backend.backend() == "torch" and shutil.which("g++") is None:
        pytest.skip("torch.compile needs a C++ compiler")
    model = network("add(a*relu(x),b*sinh(tanh(c*x)))")
    model.compile(keras.optimizers.Adam(0.01), "mse", jit_compile=jit)
    before = model.evaluate(IMAGES, np.ones((5, 2)), verbose=0)
    model.fit(IMAGES, np.ones((5, 2)), epochs=20, verbose=0, shuffle=False)
    assert model.evaluate(IMAGES, np.ones((5, 2)), verbose=0) < before
    assert all((numpy(w) != 1).any() for w in model.layers[2].trainable_weights)


def test_gradients_match_finite_differences():
    graph = parse("a*sub(arcsinh(b*x),pow(softplus(x),c*sigmoid(x)))")
    layer = GraphActivation(graph, dtype="float64")
    x = np.random.default_rng(3).normal(size=(4, 2))
    layer(x)
    if layer.weights[0].numpy().dtype != np.float64 or numpy(layer(x)).dtype != np.float64:
        pytest.skip("no float64 on this backend")
    from gondwana.activations.operators.backend import value_and_gradients

    h = 1e-6
    _, (slope,) = value_and_gradients(layer, x)
    np.testing.assert_allclose(slope, (graph(x + h) - graph(x - h)) / (2 * h), rtol=1e-6)


def test_center_and_scale():
    layer = GraphActivation("relu(x)", center=True, scale=True)
    assert layer.offset == pytest.approx(1 / np.sqrt(2 * np.pi), rel=1e-9)
    assert layer.divisor == pytest.approx(np.sqrt(0.5 - 1 / (2 * np.pi)), rel=1e-9)
    y = numpy(layer(np.random.default_rng(0).normal(size=(100_000, 1)).astype("float32")))
    assert abs(y.mean()) < 0.02
    assert y.std() == pytest.approx(1, abs=0.02)
    assert GraphActivation("relu(x)", scale=True).divisor == pytest.approx(np.sqrt(0.5))


@pytest.mark.parametrize(
    ("text", "options", "message"),
    [
        ("reciprocal(x)", {"center": True}, "cannot center or scale reciprocal"),
        ("exp(square(x))", {"center": True}, "cannot center or scale"),
        ("one(x)", {"center": True, "scale": True}, "it is constant"),
    ],
)
def test_functions_that_cannot_be_normalized_say_so(text, options, message):
    with pytest.raises(InvalidFunctionError, match=message):
        GraphActivation(text, **options)
    GraphActivation(text)


def test_config_round_trip():
    layer = GraphActivation("q*relu(x)", center=True, axis=1, name="act")
    copy = GraphActivation.from_config(layer.get_config())
    assert copy.get_config() == layer.get_config()
    assert (copy.graph, copy.offset, copy.axis) == (layer.graph, layer.offset, 1)


def test_cloning_gives_independent_weights():
    model = network("a*elu(x)")
    clone = keras.models.clone_model(model)
    clone.set_weights(model.get_weights())
    np.testing.assert_array_equal(numpy(clone(IMAGES)), numpy(model(IMAGES)))
    clone.layers[2].set_weights([np.full(4, 3.0)])
    assert (model.layers[2].get_weights()[0] == 1).all()


def test_a_saved_model_loads_in_a_fresh_process(tmp_path):
    model = network("a*div(arctan(x),b*softplus(x))", center=True)
    model.layers[2].set_weights([np.arange(1.0, 5), np.linspace(1, 2, 4)])
    model.save(tmp_path / "model.keras")
    np.save(tmp_path / "x.npy", IMAGES)
    np.save(tmp_path / "y.npy", numpy(model(IMAGES)))
    code = f"""
import numpy as np, keras, activations
model = keras.models.load_model(r"{tmp_path / "model.keras"}")
y = keras.ops.convert_to_numpy(model(np.load(r"{tmp_path / "x.npy"}")))
np.testing.assert_allclose(y, np.load(r"{tmp_path / "y.npy"}"), rtol=1e-6)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("policy", ["mixed_float16", "mixed_bfloat16"])
def test_mixed_precision_computes_in_float32(policy):
    layer = GraphActivation("log_sigmoid(a*exp(x))", dtype=policy)
    x = np.array([[10.9, -3.0]], dtype="float32")
    y = layer(x)
    assert keras.backend.standardize_dtype(y.dtype) == policy.removeprefix("mixed_")
    assert keras.backend.standardize_dtype(layer.weights[0].dtype) == "float32"
    assert numpy(layer.compute_output_spec(keras.KerasTensor((None, 2))).dtype) == policy.removeprefix(
        "mixed_"
    )
    np.testing.assert_allclose(
        numpy(ops.cast(y, "float32"))[0, 1], np.log(1 / (1 + np.exp(-np.exp(-3.0)))), rtol=0.02
    )


@pytest.mark.parametrize("policy", ["mixed_float16", "mixed_bfloat16"])
def test_mixed_precision_keeps_the_digits_of_the_parameters(policy):
    """bfloat16 has no number between 1 and 1.0078."""
    layer = GraphActivation("sub(a*x,x)", dtype=policy)
    x = np.ones((1, 2), dtype="float32")
    layer(x)
    layer.set_weights([np.array([1.001, 1.002])])
    np.testing.assert_allclose(numpy(ops.cast(layer(x), "float32"))[0], [0.001, 0.002], rtol=0.01)


@pytest.mark.parametrize(
    "names", [activations.PANGAEA.unary, activations.PANGAEA.binary], ids=["unary", "binary"]
)
def test_every_operator_compiles(names):
    if keras.backend.backend() == "torch" and shutil.which("g++") is None:
        pytest.skip("torch.compile needs a C++ compiler")
    calls = [
        f"{name}(sigmoid(x))" if activations.operator(name).arity == 1 else f"{name}(sigmoid(x),softplus(x))"
        for name in names
    ]
    text = calls[0]
    for call in calls[1:]:
        text = f"add({text},a{len(text)}*{call})"
    model = keras.Sequential([keras.Input((5,)), GraphActivation(text), keras.layers.Dense(1)])
    model.compile("sgd", "mse", jit_compile=True)
    loss = model.fit(X, np.ones((6, 1)), verbose=0).history["loss"][0]
    assert np.isfinite(loss)
    assert all(np.isfinite(numpy(w)).all() for w in model.weights)


def test_autoinit_integrates_the_graph_and_plusplus_centers_it():
    model = network("max(a*relu(x),b*tanh(x))")
    planned = autoinit.plan(model, propagation="paper")
    moments = activations.gaussian_moments(parse("max(relu(x),tanh(x))"))
    assert any(
        call.kind == "GraphActivation" and call.outputs[0].mean == pytest.approx(moments.mean, rel=1e-6)
        for call in planned.calls
    )
    centered = autoinit.centered(model)
    layer = next(layer for layer in centered.layers if isinstance(layer, GraphActivation))
    assert layer.center
    assert layer.offset == pytest.approx(moments.mean)
    assert not model.layers[2].center


def test_a_layer_as_the_activation_of_another_layer():
    dense = keras.layers.Dense(3, activation=GraphActivation("a*relu(x)", center=True))
    function = autoinit.numpy_activation(dense.activation)
    np.testing.assert_allclose(function(np.array([-1.0, 2.0])), np.array([0, 2.0]) - 1 / np.sqrt(2 * np.pi))


@pytest.mark.parametrize("text", ["a*mul(tanh(x),one(b*x))", "one(x)", "a*one(x)", "zero(a*x)"])
def test_what_has_no_effect_disturbs_no_training(text):
    """Keras warns of trainable weights without a gradient, and other loops stumble over them."""
    model = network(text)
    model.compile("adam", "mse", jit_compile=False)
    model.fit(IMAGES, np.ones((5, 2)), verbose=0)
    layer = model.layers[2]
    assert len(layer.weights) == layer.graph.parameters
    assert all((numpy(w) == 1).all() for w in layer.non_trainable_weights)
    assert all((numpy(w) != 1).any() for w in layer.trainable_weights)
