"""Planning, applying, and the class AutoInit, on whole models."""

import json

import keras
import numpy as np
import pytest

from gondwana import autoinit
from gondwana.autoinit import AutoInit, AutoInitError, ModelError, Signal
from gondwana.autoinit.draws import draw
from tests.helpers.simulation import assert_agrees, model_of, simulate

layers = keras.layers


def convnet(activation="relu"):
    return keras.Sequential(
        [
            keras.Input((8, 8, 3)),
            layers.Conv2D(16, 3, activation=activation, name="first"),
            layers.Dropout(0.2, seed=1),
            layers.Conv2D(16, 3, activation=activation, name="second"),
            layers.GlobalAveragePooling2D(),
            layers.Dense(4, activation="softmax", name="head"),
        ]
    )


@pytest.mark.slow
@pytest.mark.parametrize("distribution", ["truncated_normal", "untruncated_normal", "uniform", "orthogonal"])
@pytest.mark.parametrize("shape", [(400, 300), (3, 3, 40, 60)])
def test_draws_have_exactly_the_deviation_asked_for(distribution, shape):
    values = draw(np.random.default_rng(1), shape, 0.37, distribution).astype(np.float64)
    fourth = ((values - values.mean()) ** 4).mean()
    error = np.sqrt((fourth - values.var() ** 2) / values.size)
    assert abs(values.mean()) < 5 * 0.37 / np.sqrt(values.size)
    assert abs(np.mean(values**2) - 0.37**2) < 5 * error


def test_truncated_normal_is_cut_at_two_deviations_before_correction():
    values = draw(np.random.default_rng(1), (100_000,), 1.0)
    assert np.abs(values).max() == pytest.approx(2 / 0.8796256610, rel=1e-3)


def test_orthogonal_columns_are_orthogonal():
    w = draw(np.random.default_rng(0), (3, 3, 8, 16), 0.5, "orthogonal").reshape(72, 16).astype(float)
    np.testing.assert_allclose(w.T @ w, np.eye(16) * 0.25 * 72, atol=1e-4)


def test_planning_changes_nothing():
    model = convnet()
    before = model.get_weights()
    autoinit.plan(model)
    for a, b in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


def test_applying_leaves_biases_and_statistics_alone():
    model = keras.Sequential([keras.Input((4,)), layers.Dense(3), layers.BatchNormalization()])
    model.set_weights([w + 0.5 for w in model.get_weights()])
    before = model.get_weights()
    after = AutoInit(seed=0).initialize_model(model).get_weights()
    changed = [not np.array_equal(a, b) for a, b in zip(before, after, strict=True)]
    assert changed == [True, False, False, False, False, False]


def test_plan_for_another_model_is_refused_before_anything_is_drawn():
    planned = autoinit.plan(convnet())
    other = keras.Sequential(
        [keras.Input((8, 8, 3)), layers.Conv2D(16, 3), layers.Flatten(), layers.Dense(7)]
    )
    before = other.get_weights()
    with pytest.raises(ModelError, match="does not fit model"):
        autoinit.apply(planned, other, seed=0)
    for a, b in zip(before, other.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


def test_same_seed_same_weights_and_in_place_or_copy():
    model = convnet()
    assert AutoInit(seed=3).initialize_model(model) is model
    copy = AutoInit(seed=3).initialize_model(convnet(), in_place=False)
    for a, b in zip(model.get_weights(), copy.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
    untouched = convnet()
    before = untouched.get_weights()
    assert AutoInit(seed=3).initialize_model(untouched, in_place=False) is not untouched
    for a, b in zip(before, untouched.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


def test_architecture_and_names_stay():
    model = convnet()
    config = json.dumps(model.get_config(), default=str)
    AutoInit(seed=3).initialize_model(model)
    assert json.dumps(model.get_config(), default=str) == config


def test_estimates_json_and_dict_inputs():
    initializer = AutoInit(seed=1, propagation="paper")
    model, estimates = initializer.initialize_model(convnet().to_json(), return_estimates=True)
    assert isinstance(model, keras.Model)
    assert estimates["second"] == pytest.approx((0.3989422804, 0.3408450569))
    AutoInit(seed=1).initialize_model(json.loads(convnet().to_json()))
    with pytest.raises(AutoInitError, match="not JSON"):
        AutoInit().initialize_model("{")
    with pytest.raises(AutoInitError, match="a model is a keras"):
        AutoInit().initialize_model({"layers": []})


def test_unknown_configuration_is_refused():
    with pytest.raises(AutoInitError, match="distributon"):
        AutoInit({"distributon": "uniform"})
    with pytest.raises(AutoInitError, match=r"truncated_normal.*Received: 'gaussian'"):
        AutoInit({"distribution": "gaussian"}).initialize_model(convnet())


def test_custom_rules_reach_the_plan():
    rules = {layers.Dropout: lambda call, x: Signal(0.0, 5.0)}
    _, estimates = AutoInit(custom_distribution_estimators=rules, seed=0).initialize_model(convnet(), True)
    assert estimates["dropout"] == pytest.approx((0.0, 5.0))


@pytest.mark.slow
def test_hidden_layers_have_unit_variance_before_their_activation():
    model = keras.Sequential(
        [
            keras.Input((64,)),
            *(layers.Dense(64, activation="linear") for _ in range(3)),
            layers.Activation("tanh"),
        ]
    )
    planned = autoinit.plan(model, input_mean=0.5, input_variance=2.0)
    rows = simulate(model, planned, 0.5, 2.0, draws=200, batch=16)
    assert_agrees(planned.calls[-1].outputs[0], rows, bias=0.02)


def test_several_inputs_with_their_own_statistics():
    a, b = keras.Input((5,), name="a"), keras.Input((5,), name="b")
    model = keras.Model([a, b], layers.Add()([a, b]))
    for mean in ((1.0, 2.0), {"b": 2.0, "a": 1.0}):
        planned = autoinit.plan(model, input_mean=mean, input_variance=(1.0, 3.0), propagation="paper")
        assert planned.calls[-1].outputs[0] == Signal(3.0, 4.0)
    with pytest.raises(AutoInitError, match="one number per input, 2"):
        autoinit.plan(model, input_mean=(1.0,))
    with pytest.raises(AutoInitError, match=r"must name the inputs"):
        autoinit.plan(model, input_mean={"c": 1.0})


def test_shared_layer_is_scaled_once_for_the_mixture_of_what_it_receives():
    a, b = keras.Input((8,)), keras.Input((8,))
    dense = layers.Dense(8)
    planned = autoinit.plan(keras.Model([a, b], [dense(a), dense(b)]), input_variance=(1.0, 3.0))
    (weight,) = planned.weights
    assert weight.deviation == pytest.approx((8 * 2.0) ** -0.5)
    assert [call.outputs[0].variance for call in planned.calls] == pytest.approx([0.5, 1.5])


def test_shared_layer_in_a_loop_reaches_a_fixed_point():
    x = keras.Input((8,))
    dense = layers.Dense(8, activation="relu")
    planned = autoinit.plan(keras.Model(x, dense(dense(dense(x)))), input_variance=2.0)
    received = [call.inputs[0].second_moment for call in planned.calls]
    assert planned.weights[0].deviation == pytest.approx((8 * sum(received) / 3) ** -0.5, rel=1e-6)


def test_several_outputs_and_nested_models():
    inner = keras.Sequential([keras.Input((4,)), layers.Dense(4, name="d")], name="inner")
    x = keras.Input((4,))
    y = inner(x)
    planned = autoinit.plan(keras.Model(x, [y, layers.ReLU(name="r")(y)]))
    assert list(planned.estimates) == ["inner/d", "r"]
    assert len(planned.weights) == 1


@pytest.mark.parametrize(
    "mean, variance, message",
    [(0.0, 0.0, "zero everywhere"), (0.0, float("nan"), "finite variance"), (0.0, -1.0, "variance >= 0")],
)
def test_impossible_inputs_are_refused(mean, variance, message):
    with pytest.raises(AutoInitError, match=message):
        autoinit.plan(convnet(), input_mean=mean, input_variance=variance)


def test_activation_without_moments_is_refused_by_name_or_simulated_with_a_warning():
    def pole(x):
        return 1.0 / x

    with pytest.raises(autoinit.NotIntegrableError, match="'pole'"):
        autoinit.plan(convnet(pole), on_unknown="error")
    with pytest.warns(UserWarning, match="seems to have no finite variance") as caught:
        planned = autoinit.plan(convnet(pole))
    assert "drawn, simulated" in str(planned)
    assert "'first'" in str(caught[0].message)
    assert caught[0].filename == __file__


def test_plan_prints_a_table():
    text = str(autoinit.plan(convnet()))
    assert "first" in text and "drawn" in text and len(text.splitlines()) == 6


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "mixed_float16", "mixed_bfloat16"])
def test_half_precision_models(dtype):
    policy = keras.config.dtype_policy()
    keras.config.set_dtype_policy(dtype)
    try:
        model = AutoInit(seed=0).initialize_model(convnet())
    finally:
        keras.config.set_dtype_policy(policy)
    for weight in model.weights:
        assert np.isfinite(np.asarray(keras.ops.convert_to_numpy(keras.ops.cast(weight, "float32")))).all()


def test_published_example_one_layer_with_any_activation():
    """Section 7: deviation 1 / sqrt(fan_in * E[f^2])."""
    model = keras.Sequential(
        [keras.Input((6,)), layers.Dense(10, activation=lambda x: keras.ops.sin(x) * 2), layers.Dense(3)]
    )
    weight = autoinit.plan(model, propagation="paper").weights[1]
    second = 4 * (1 - np.exp(-2.0)) / 2
    assert weight.deviation == pytest.approx((10 * second) ** -0.5, rel=1e-5)


def test_model_of_a_layer_is_what_the_rules_are_tested_on():
    assert len(model_of(layers.Add(), (3,), (3,)).inputs) == 2


@pytest.mark.parametrize(
    ("distribution", "expected"),
    [
        ("truncated_normal", [-0.189942, -0.069512, -0.015977, 0.427023, 0.689949, -0.025122]),
        ("untruncated_normal", [-0.117491, 0.067748, -0.069733, -0.211435, -0.100027, 0.01281]),
        ("uniform", [-0.087065, -0.093552, -0.015687, 0.686098, -0.476541, 0.043808]),
        ("orthogonal", [-0.322561, -0.173453, -0.048592, -0.162893, 1.00233, -0.232052]),
    ],
)
def test_the_same_seed_gives_the_same_weights_on_every_backend_and_machine(distribution, expected):
    x = keras.Input((8, 8, 3))
    y = keras.layers.Conv2D(4, 3, activation="relu")(x)
    y = keras.layers.Flatten()(keras.layers.SeparableConv2D(6, 3, activation="tanh")(y))
    model = keras.Model(x, keras.layers.Dense(5, activation="softmax")(y))
    AutoInit({"distribution": distribution}, seed=7).initialize_model(model)
    conv, depthwise, dense = (keras.ops.convert_to_numpy(model.weights[i]).ravel() for i in (0, 2, -2))
    np.testing.assert_allclose([*conv[:3], *depthwise[:2], dense[-1]], expected, atol=2e-6)
