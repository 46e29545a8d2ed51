"""What callers get wrong, and models that are unusual: a clear error or a correct result."""

import json
import warnings

import keras
import numpy as np
import pytest

from gondwana import autoinit
from gondwana.autoinit import AutoInit, AutoInitError, ModelError, SignalError
from gondwana.autoinit.diagnostics.measure import gaussian_inputs

pytestmark = pytest.mark.slow

layers, ops = keras.layers, keras.ops


def small():
    return keras.Sequential(
        [keras.Input((8,)), layers.Dense(4, activation="relu", name="a"), layers.Dense(3, name="b")]
    )


@pytest.mark.parametrize("value", ["1", "a", [[1.0]], float("nan"), float("inf"), -1.0, 1e200])
def test_an_input_variance_that_is_none_is_refused(value):
    with pytest.raises(AutoInitError, match=r"variance"):
        AutoInit(input_data_var=value, seed=1).initialize_model(small())


@pytest.mark.parametrize("value", [np.float32(2.0), np.int64(2), np.array(2.0), [2.0], np.array([2.0])])
def test_numbers_of_numpy_are_numbers(value):
    planned = autoinit.plan(small(), input_variance=value)
    assert planned.weights[0].deviation ** 2 == pytest.approx(1 / 16)


@pytest.mark.parametrize(
    "keywords, part",
    [
        ({"signal_variance": "big"}, "signal_variance"),
        ({"weight_init_config": "uniform"}, "weight_init_config"),
        ({"weight_init_config": {"monte_carlo_samples": "many"}}, "monte_carlo_samples"),
        ({"weight_init_config": {"monte_carlo_samples": 2.5}}, "monte_carlo_samples"),
        ({"weight_init_config": {"constrain_weights": "no"}}, "constrain_weights"),
        ({"seed": -1}, "seed"),
        ({"seed": "lucky"}, "seed"),
        ({"custom_distribution_estimators": {"Dense": 1}}, "layer classes"),
        ({"custom_distribution_estimators": [layers.Dense]}, "mapping"),
    ],
)
def test_arguments_of_the_wrong_kind_are_named(keywords, part):
    with pytest.raises(AutoInitError, match=part):
        AutoInit(**keywords).initialize_model(small())


@pytest.mark.parametrize("seed", [-1, 1.5, None])
def test_seeds_are_whole_numbers(seed):
    model = small()
    before = model.get_weights()
    with pytest.raises(AutoInitError, match="seed"):
        autoinit.apply(autoinit.plan(model), model, seed=seed)
    for old, new in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(old, new)


@pytest.mark.parametrize("as_given", [lambda config: config, json.dumps])
@pytest.mark.parametrize("functional", [True, False])
def test_what_get_config_returns_is_a_model_too(functional, as_given):
    x = keras.Input((8,))
    model = keras.Model(x, layers.Dense(3)(x), name="net") if functional else small()
    made = AutoInit(seed=1).initialize_model(as_given(model.get_config()))
    assert made.name == model.name
    assert [w.shape for w in made.weights] == [w.shape for w in model.weights]


@pytest.mark.parametrize("config", [{"class_name": "Nothing", "config": {}}, {"name": "x", "layers": 3}])
def test_a_configuration_that_keras_refuses_is_one_error(config):
    with pytest.raises(AutoInitError, match=r"Keras cannot build|cannot be|unbuilt"):
        AutoInit().initialize_model(config)


def test_code_in_a_configuration_is_not_run_and_a_lambda_model_is_copied():
    model = keras.Sequential(
        [keras.Input((8,)), layers.Lambda(lambda x: ops.relu(2.0 * x), name="bend"), layers.Dense(3)]
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        text = model.to_json()
    with pytest.raises(AutoInitError, match="Lambda"):
        AutoInit().initialize_model(text)
    before = model.get_weights()
    copy = AutoInit(seed=1).initialize_model(model, in_place=False)
    np.testing.assert_array_equal(model.get_weights()[0], before[0])
    assert not np.array_equal(copy.get_weights()[0], before[0])
    data = np.linspace(-1, 1, 16, dtype="float32").reshape(2, 8)
    copy.set_weights(before)
    np.testing.assert_allclose(np.asarray(copy(data)), np.asarray(model(data)), rtol=1e-6)


@pytest.mark.parametrize("dtype, variance", [("float16", 1e18), ("float16", 1e-16), ("float32", 1e-90)])
def test_a_scale_that_the_precision_cannot_hold_is_refused(dtype, variance):
    model = keras.Sequential([keras.Input((8,)), layers.Dense(4, dtype=dtype)])
    with pytest.raises(AutoInitError, match="cannot hold"):
        autoinit.plan(model, input_variance=variance)


@pytest.mark.parametrize("policy", ["float16", "bfloat16", "mixed_float16", "mixed_bfloat16"])
def test_half_precision_models_get_finite_weights_of_the_planned_scale(policy):
    model = keras.Sequential(
        [
            keras.Input((12, 12, 8)),
            layers.Conv2D(64, 3, activation="relu", dtype=policy),
            layers.BatchNormalization(dtype=policy),
            layers.GlobalAveragePooling2D(dtype=policy),
            layers.Dense(64, activation="softmax", dtype=policy),
        ]
    )
    for mode in ("paper", "exact"):
        planned = autoinit.plan(model, propagation=mode)
        autoinit.apply(planned, model, seed=0)
        for weight in planned.weights:
            values = ops.convert_to_numpy(ops.cast(model.weights[weight.index], "float32"))
            assert values.std() == pytest.approx(weight.deviation, rel=0.05)


def test_dropping_everything_silences_the_signal_or_is_refused():
    silent = keras.Sequential([keras.Input((8,)), layers.Dropout(1.0)])
    for mode in ("paper", "exact"):
        assert autoinit.plan(silent, propagation=mode).calls[-1].outputs[0].variance == 0.0
    for layer in (layers.GaussianDropout(1.0), layers.AlphaDropout(1.0)):
        with pytest.raises(AutoInitError, match="rate"):
            autoinit.plan(keras.Sequential([keras.Input((8,)), layer]))


class FromDict(keras.Model):
    def __init__(self):
        super().__init__()
        self.dense = layers.Dense(3)

    def call(self, given):
        return {"out": self.dense(given["a"] + given["b"])}


def test_a_subclassed_model_of_named_inputs_has_their_statistics():
    model = FromDict()
    model({"a": np.zeros((2, 4), "float32"), "b": np.zeros((2, 4), "float32")})
    planned = autoinit.plan(model, input_variance={"a": 1.0, "b": 3.0})
    assert planned.weights[0].deviation ** 2 == pytest.approx(1 / 16)
    assert np.isfinite(autoinit.measure(model, planned)[-1].variances).all()


class Untraceable(keras.Model):
    def __init__(self):
        super().__init__()
        self.dense = layers.Dense(3)

    def call(self, x):
        return self.dense(np.asarray(x))


def test_a_model_that_cannot_be_traced_is_refused_with_the_remedy():
    model = Untraceable()
    model(np.zeros((2, 4), "float32"))
    with pytest.raises(ModelError, match="functional model"):
        autoinit.plan(model)


def test_every_mode_refuses_an_infinite_mean():
    for mode in ("paper", "exact"):
        with pytest.raises(SignalError, match="input_mean"):
            autoinit.plan(small(), input_mean=float("inf"), propagation=mode)


@pytest.mark.parametrize("mode", ["paper", "exact"])
@pytest.mark.parametrize("make", [layers.GlobalAveragePooling1D, lambda: layers.LSTM(4)])
def test_masks_are_no_signals(make, mode):
    model = keras.Sequential(
        [keras.Input((9,), dtype="int32"), layers.Embedding(50, 16, mask_zero=True), make()]
    )
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        planned = autoinit.plan(model, propagation=mode)
    assert all(np.isfinite(call.gradient) for call in planned.calls)
    assert len(autoinit.measure(model, planned)) == len(planned.calls)


@pytest.mark.parametrize("mode", ["paper", "exact"])
def test_attention_goes_by_the_names_of_its_arguments(mode):
    one, other = keras.Input((6, 16)), keras.Input((9, 16))
    outputs = [
        keras.Model([one, other], call(layers.MultiHeadAttention(2, 8)))
        for call in (
            lambda attend: attend(one, other, other),
            lambda attend: attend(query=one, value=other, key=other),
        )
    ]
    plans = [autoinit.plan(model, input_variance=[1.0, 9.0], propagation=mode) for model in outputs]
    first, second = (sorted(w.deviation for w in plan.weights) for plan in plans)
    assert first == pytest.approx(second)


def test_a_causal_mask_leaves_fewer_positions_to_average():
    x = keras.Input((16, 64))
    free, causal = (
        keras.Model(x, layers.MultiHeadAttention(2, 32)(x, x, use_causal_mask=masked))
        for masked in (False, True)
    )
    deviations = [autoinit.plan(model).weights[-1].deviation for model in (free, causal)]
    assert deviations[1] < 0.8 * deviations[0]
    measured = autoinit.measure(causal, autoinit.plan(causal), draws=12)[-1].variances
    assert abs(measured.mean() - 1) < 5 * measured.std(ddof=1) / 12**0.5 + 0.1


@pytest.mark.parametrize("mode", ["paper", "exact"])
def test_a_model_over_time_is_opened(mode):
    inner = keras.Sequential(
        [keras.Input((6, 6, 3)), layers.Conv2D(32, 3, activation="relu"), layers.Flatten(), layers.Dense(32)]
    )
    model = keras.Sequential([keras.Input((5, 6, 6, 3)), layers.TimeDistributed(inner), layers.Dense(16)])
    planned = autoinit.plan(model, propagation=mode, on_unknown="error")
    assert len(planned.weights) == 3
    rows = autoinit.measure(model, planned, draws=10, batch=16)
    assert [row.variances.mean() for row in rows[-2:]] == pytest.approx([1.0, 1.0], abs=0.25)


def test_an_unknown_layer_over_time_warns_like_any_other():
    class Doubled(layers.Layer):
        def call(self, x):
            return 2.0 * x

        def compute_output_shape(self, shape):
            return shape

    model = keras.Sequential([keras.Input((5, 4)), layers.TimeDistributed(Doubled()), layers.Dense(2)])
    with pytest.warns(UserWarning, match="no rule for Doubled"):
        autoinit.plan(model, on_unknown="warn")
    planned = autoinit.plan(model, rules={Doubled: lambda call, x: x.affine(2.0)})
    assert planned.weights[0].deviation ** 2 == pytest.approx(1 / 16)


def test_zero_mean_activations_over_time_except_those_at_the_outputs():
    hidden = keras.Sequential([keras.Input((8,)), layers.Dense(8, activation="relu")])
    model = keras.Sequential(
        [
            keras.Input((5, 8)),
            layers.TimeDistributed(hidden),
            layers.TimeDistributed(layers.Dense(8, activation="relu")),
            layers.TimeDistributed(layers.Dense(2, activation="sigmoid")),
        ]
    )
    made = autoinit.centered(model)
    inner = [made.layers[0].layer.layers[-1], made.layers[1].layer]
    assert all(isinstance(layer.activation, autoinit.CenteredActivation) for layer in inner)
    assert made.layers[2].layer.activation is keras.activations.sigmoid
    for old, new in zip(model.get_weights(), made.get_weights(), strict=True):
        np.testing.assert_array_equal(old, new)


def test_channels_of_different_scale_count_by_their_number():
    model = keras.Sequential([keras.Input((4,)), layers.Rescaling([1.0, 1.0, 1.0, 3.0])])
    for mode in ("paper", "exact"):
        assert autoinit.plan(model, propagation=mode).calls[-1].outputs[0].variance == pytest.approx(3.0)


@pytest.mark.parametrize("mode", ["paper", "exact"])
def test_slopes_that_training_has_spread(mode):
    model = keras.Sequential([keras.Input((512,)), layers.PReLU()])
    slopes = np.random.default_rng(0).normal(0.2, 0.4, 512)
    model.layers[0].alpha.assign(slopes)
    signal = autoinit.plan(model, propagation=mode).calls[-1].outputs[0]
    assert signal.mean == pytest.approx((1 - slopes.mean()) / (2 * np.pi) ** 0.5, rel=1e-6)
    assert signal.second_moment == pytest.approx((1 + np.mean(slopes**2)) / 2, rel=1e-6)


def test_models_of_a_fixed_batch_are_measured_with_it():
    model = keras.Sequential([keras.Input(batch_shape=(4, 5, 6)), layers.LSTM(8, stateful=True)])
    assert np.isfinite(autoinit.measure(model, batch=16)[-1].variances).all()


def test_tokens_come_from_the_whole_vocabulary():
    model = keras.Sequential([keras.Input((64,), dtype="int32"), layers.Embedding(1000, 4)])
    drawn = gaussian_inputs(model, 8, np.random.default_rng(0))[0]
    assert drawn.max() > 900 and drawn.min() >= 0


def test_a_recurrent_layer_is_fed_with_time_steps_as_alike_as_they_are():
    x = keras.Input((7, 12))
    model = keras.Model(x, layers.GRU(16)(layers.LSTM(16, return_sequences=True)(x)))
    exact, paper = (
        [call.outputs[0] for call in autoinit.plan(model, propagation=mode).calls]
        for mode in ("exact", "paper")
    )
    assert 0 < exact[0].covariance < exact[0].variance
    assert paper[0].covariance == 0
    assert exact[0].variance == pytest.approx(paper[0].variance, rel=0.1)
    measured = autoinit.measure(model, draws=4, batch=128)[-1].variances.mean()
    off = [abs(np.log(signals[1].variance / measured)) for signals in (exact, paper)]
    assert off[0] < off[1]  # about 0.2 against 0.7
