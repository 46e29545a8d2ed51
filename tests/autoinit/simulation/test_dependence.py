"""Operations that mix dependent entries are predicted, and say so: each against draws of weights and inputs."""

import keras
import numpy as np
import pytest

from gondwana import autoinit

ops, layers = keras.ops, keras.layers


def conv(filters, **keywords):
    return layers.Conv2D(filters, 3, padding="same", **keywords)


def up(x, how="nearest"):
    return layers.UpSampling2D(2, interpolation=how)(x)


def experts(x):
    gates = layers.Dense(4, activation="softmax")(x)
    made = ops.stack([layers.Dense(64, activation="relu")(x) for _ in range(4)], axis=1)
    return ops.sum(made * ops.expand_dims(gates, -1), axis=1)


def transformed(x):
    seen = layers.GlobalMaxPooling1D()(layers.Conv1D(32, 1, activation="relu")(x))
    return layers.Dot((2, 1))([x, layers.Reshape((3, 3))(layers.Dense(9)(seen))])


def attended(x):
    query, key, value = (layers.Dense(24)(x) for _ in range(3))
    weights = ops.softmax(ops.matmul(query, ops.transpose(key, (0, 2, 1))) / 24**0.5)
    return layers.GlobalAveragePooling1D()(ops.matmul(weights, value))


def distance(x):
    tower = layers.Dense(64, activation="relu")
    return ops.sqrt(ops.sum(ops.square(tower(x) - tower(x[:, ::-1])), -1, keepdims=True) + 1e-7)


KINDS = {
    "bilinear": ((8, 8, 4), lambda x: layers.AveragePooling2D(2)(conv(32)(up(x, "bilinear")))),
    "bicubic": ((8, 8, 4), lambda x: layers.MaxPooling2D(2)(up(x, "bicubic"))),
    "nearest, average": ((8, 8, 4), lambda x: layers.AveragePooling2D(2)(conv(32)(up(x)))),
    "nearest, maximum": ((8, 8, 4), lambda x: layers.MaxPooling2D(2)(conv(32, activation="relu")(up(x)))),
    "nearest, all": ((8, 8, 4), lambda x: layers.GlobalAveragePooling2D()(conv(32)(up(x)))),
    "experts": ((32,), experts),
    "learned transform": ((64, 3), transformed),
    "cosine": (
        (8, 16),
        lambda x: layers.Dot(axes=2, normalize=True)([layers.Dense(8)(x), layers.Dense(8)(x)]),
    ),
    "gated gram": ((12, 8), lambda x: layers.Dot(axes=2)([layers.Dense(16, activation="relu")(x)] * 2)),
    "attention by hand": ((10, 24), attended),
    "self-attention, pooled": (
        (16, 32),
        lambda x: layers.GlobalAveragePooling1D()(layers.MultiHeadAttention(4, 8)(x, x)),
    ),
    "stacked GRU": ((12, 8), lambda x: layers.GRU(32)(layers.GRU(32, return_sequences=True)(x))),
    "distance": ((16,), distance),
    "channels to positions": (
        (16, 24),
        lambda x: layers.GlobalAveragePooling1D()(
            layers.Permute((2, 1))(layers.Dense(32)(layers.Permute((2, 1))(x)))
        ),
    ),
}


@pytest.mark.parametrize("kind", KINDS)
def test_what_depends_on_one_another_is_predicted(kind):
    shape, make = KINDS[kind]
    keras.utils.set_random_seed(2)
    x = keras.Input(shape)
    model = keras.Model(x, make(x))
    planned = autoinit.plan(model, propagation="exact")
    row = autoinit.measure(model, planned, draws=16, batch=64)[-1]
    seconds = row.variances + row.means**2
    error = abs(np.log(planned.calls[-1].outputs[0].second_moment / seconds.mean()))
    assert error < 0.1 + 2 * seconds.std(ddof=1) / seconds.mean() / 4


DEAD = {
    "dense": ((16,), lambda x: layers.Dense(64, activation="relu")(x)),
    "map": ((8, 8, 3), lambda x: conv(32, activation="relu")(x)),
    "pooled": ((8, 8, 3), lambda x: layers.GlobalAveragePooling2D()(conv(64, activation="relu")(x))),
}


@pytest.mark.parametrize("kind", DEAD)
def test_normalization_leaves_dead_channels_at_zero(kind):
    shape, make = DEAD[kind]
    x = keras.Input(shape)
    model = keras.Model(x, layers.BatchNormalization()(make(layers.Rescaling(0.3, 3.0)(x))))
    planned = autoinit.plan(model, propagation="exact")
    seconds = autoinit.measure(model, planned, draws=12, batch=64)[-1].variances
    assert planned.calls[-1].outputs[0].second_moment < 0.8
    error = abs(np.log(planned.calls[-1].outputs[0].second_moment / seconds.mean()))
    assert error < 0.1 + 2 * seconds.std(ddof=1) / seconds.mean() / 12**0.5


@pytest.mark.parametrize("inner", [layers.Dense(64), layers.Conv2D(32, 3)], ids=["dense", "conv"])
def test_spectral_normalization_is_planned_by_its_rule(inner):
    x = keras.Input((64,) if isinstance(inner, layers.Dense) else (8, 8, 16))
    model = keras.Model(x, layers.SpectralNormalization(inner, power_iterations=3)(x))
    planned = autoinit.plan(model, propagation="exact", on_unknown="error")
    measured = autoinit.measure(model, planned, draws=8, batch=64)[-1].variances.mean()
    assert planned.calls[-1].weighted and not planned.calls[-1].simulated
    assert planned.calls[-1].outputs[0].variance == pytest.approx(measured, rel=0.12)
    held = autoinit.plan(model, propagation="exact", weights="actual").calls[-1].outputs[0].variance
    assert held == pytest.approx(measured, rel=0.3)


@pytest.mark.slow
def test_networks_without_such_operations_are_not_simulated():
    for make in (keras.applications.MobileNetV2, keras.applications.DenseNet121):
        planned = autoinit.plan(make(weights=None, input_shape=(64, 64, 3)), propagation="exact")
        assert not any(call.simulated for call in planned.calls)
