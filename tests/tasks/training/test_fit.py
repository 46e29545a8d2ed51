from __future__ import annotations

import gc
import math
import weakref

import keras
import numpy as np
import pytest

from gondwana.tasks.base import Head, SearchData, Split, TaskInfo
from gondwana.tasks.training.fit import Diverged, make_optimizer, reseed, score, train
from gondwana.tasks.training.loops import KerasLoop
from gondwana.tasks.training.objective import Objective
from gondwana.tasks.training.penalties import weight_penalties
from gondwana.tasks.training.recipe import OPTIMIZERS, Recipe
from tests.helpers.networks import dense_network, same_weights

pytestmark = pytest.mark.slow


def small(data: SearchData, n: int = 100) -> SearchData:
    return SearchData(Split(data.train.x[:n], data.train.y[:n]), data.validation)


def reference(model: keras.Model, split: Split, info: TaskInfo, recipe: Recipe, seed: int) -> float:
    """What Keras' own trainer does with the same batches; returns the last epoch's loss."""
    reseed(model, seed)
    optimizer = make_optimizer(recipe)
    with weight_penalties(model, recipe, optimizer):
        loop = KerasLoop(model, optimizer, Objective(model, info), split)
        steps = math.ceil(len(split) / recipe.batch_size)
        for epoch in range(recipe.epochs):
            rng = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(epoch,)))
            order = np.resize(rng.permutation(len(split)), (steps, recipe.batch_size))
            rates = recipe.learning_rate * recipe.schedule.factors(epoch, recipe.epochs, steps)
            loop.reset()
            for rows, rate in zip(order, rates, strict=True):
                loop.step(rows, float(rate))
    return loop.mean_loss()


RECIPES = {
    **{name: {"optimizer": name} for name in OPTIMIZERS},
    "momentum": {"optimizer": "sgd", "momentum": 0.9},
    "nesterov": {"optimizer": "sgd", "momentum": 0.9, "nesterov": True},
    "weight_decay": {"weight_decay": 0.01},
    "decoupled": {"decoupled_weight_decay": 0.1},
    "clipping": {"clip_norm": 0.1, "optimizer": "sgd"},
    "scaled": {"weight_decay": 0.1, "scale_penalties": True, "schedule": "exponential"},
    "cosine": {"schedule": {"kind": "cosine", "warmup_epochs": 1}},
}


@pytest.mark.parametrize("changes", RECIPES.values(), ids=RECIPES.keys())
def test_two_epochs_equal_those_of_keras_trainer(changes, digits, digits_data):
    recipe = Recipe.from_json({"epochs": 2, "batch_size": 32, "learning_rate": 0.01, **changes})
    data = small(digits_data)
    options = {
        "kernel_regularizer": keras.regularizers.L1(1e-3),
        "activity_regularizer": keras.regularizers.L2(1e-3),
    }
    ours, theirs = (dense_network(digits.info, dropout=0.2, **options) for _ in range(2))
    history = train(ours, data, digits.info, recipe, seed=5)
    if recipe.scale_penalties and keras.backend.backend() == "jax":
        pytest.skip("Keras' trainer compiles the first learning rate into its step on JAX")
    loss = reference(theirs, data.train, digits.info, recipe, seed=5)
    assert math.isclose(history.epochs[-1].loss, loss, rel_tol=1e-5)
    for one, other in zip(ours.get_weights(), theirs.get_weights(), strict=True):
        np.testing.assert_allclose(one, other, rtol=2e-4, atol=2e-6)


@pytest.mark.parametrize("steps", [3, 25])
def test_an_epoch_can_be_a_number_of_steps(steps, digits, digits_data, monkeypatch):
    seen: list[np.ndarray] = []

    class Counting(KerasLoop):
        def step(self, rows, rate, x=None):
            seen.append(rows)
            rates.append(rate)
            super().step(rows, rate, x)

    rates: list[float] = []
    monkeypatch.setattr("gondwana.tasks.training.fit.make_loop", Counting)
    schedule = {"kind": "exponential", "factor": 0.1, "every": 1}
    recipe = {
        "epochs": 2,
        "batch_size": 10,
        "steps_per_epoch": steps,
        "learning_rate": 0.01,
        "schedule": schedule,
    }
    history = train(
        dense_network(digits.info), small(digits_data), digits.info, Recipe.from_json(recipe), seed=5
    )
    assert history.steps == len(seen) == 2 * steps and len(history.epochs) == 2
    np.testing.assert_allclose(rates, [0.01] * steps + [0.001] * steps)
    for epoch in (seen[:steps], seen[steps:]):
        times = np.bincount(np.concatenate(epoch), minlength=100)
        assert times.sum() == 10 * steps
        assert times.max() - times.min() <= 1, "examples are used equally often"
    assert not np.array_equal(seen[0], seen[steps])


def test_constraints_and_moving_averages_are_kept(digits, digits_data):
    inputs = keras.Input(digits.info.input_shape)
    x = keras.layers.Flatten()(inputs)
    x = keras.layers.Dense(8, kernel_constraint=keras.constraints.MaxNorm(0.5), name="constrained")(x)
    x = keras.layers.BatchNormalization(name="normalized")(x)
    model = keras.Model(inputs, keras.layers.Dense(10, activation="softmax")(x))
    train(model, small(digits_data), digits.info, Recipe(epochs=1, learning_rate=0.1), seed=0)
    norms = np.linalg.norm(model.get_layer("constrained").get_weights()[0], axis=0)
    assert (norms <= 0.5 + 1e-5).all()
    assert (model.get_layer("normalized").get_weights()[2] != 0).any()


def half_precision_network(info: TaskInfo) -> keras.Model:
    inputs = keras.Input(info.input_shape)
    x = keras.layers.Flatten(dtype="mixed_float16")(inputs)
    init = keras.initializers.HeNormal(seed=1)
    x = keras.layers.Dense(32, activation="relu", dtype="mixed_float16", kernel_initializer=init)(x)
    init = keras.initializers.GlorotUniform(seed=2)
    outputs = keras.layers.Dense(10, activation="softmax", dtype="float32", kernel_initializer=init)(x)
    model = keras.Model(inputs, outputs)
    model.dtype_policy = keras.DTypePolicy("mixed_float16")
    return model


@pytest.mark.parametrize("optimizer", ["adam", "rmsprop"])
@pytest.mark.parametrize("factor", [1.0, 1e4], ids=["finite", "overflowing"])
def test_half_precision_scales_losses_as_keras_does(optimizer, factor, digits, digits_data):
    recipe = Recipe(epochs=2, batch_size=32, optimizer=optimizer)
    few = small(digits_data)
    data = SearchData(Split(few.train.x * np.float32(factor), few.train.y), few.validation)
    ours, theirs = half_precision_network(digits.info), half_precision_network(digits.info)
    train(ours, data, digits.info, recipe, seed=5)
    reseed(theirs, 5)
    scaling = keras.optimizers.LossScaleOptimizer(make_optimizer(recipe))
    loop = KerasLoop(theirs, scaling, Objective(theirs, digits.info), data.train)
    for epoch in range(2):
        rng = np.random.default_rng(np.random.SeedSequence(5, spawn_key=(epoch,)))
        for rows in np.resize(rng.permutation(len(data.train)), (4, 32)):
            loop.step(rows, recipe.learning_rate)
    if factor > 1 and keras.backend.backend() == "tensorflow":  # others do not overflow here
        assert float(scaling.dynamic_scale) < scaling.initial_scale  # some steps were left out
    for one, other in zip(ours.get_weights(), theirs.get_weights(), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-3, atol=1e-5)


def test_half_precision_trains_with_scaled_losses(digits, digits_data):
    model = half_precision_network(digits.info)
    history = train(model, digits_data, digits.info, Recipe(epochs=10), seed=0)
    assert history.epochs[-1].loss < history.epochs[0].loss / 2


def test_the_seed_decides_the_result(digits, digits_data):
    recipe, data = Recipe(epochs=2), small(digits_data)
    models = [dense_network(digits.info, dropout=0.5) for _ in range(3)]
    for model, seed in zip(models, (1, 1, 2), strict=True):
        train(model, data, digits.info, recipe, seed)
    assert same_weights(models[0], models[1])
    assert not same_weights(models[0], models[2])


def test_training_again_after_training_is_not_influenced_by_it(digits, digits_data):
    recipe, data = Recipe(epochs=1), small(digits_data)
    model = dense_network(digits.info, dropout=0.5)
    initial = model.get_weights()
    train(model, data, digits.info, recipe, seed=1)
    first = model.get_weights()
    model.set_weights(initial)
    train(model, data, digits.info, recipe, seed=1)
    assert all(np.array_equal(a, b) for a, b in zip(first, model.get_weights(), strict=True))


def test_a_split_smaller_than_a_batch_is_one_batch(digits, digits_data):
    history = train(
        dense_network(digits.info), small(digits_data, 10), digits.info, Recipe(epochs=3, batch_size=64), 0
    )
    assert history.steps == 3


def test_history_and_on_epoch_say_what_happened(digits, digits_data):
    seen = []
    recipe = Recipe(epochs=3, batch_size=30, schedule=Recipe.from_json({"schedule": "exponential"}).schedule)
    history = train(
        dense_network(digits.info), small(digits_data), digits.info, recipe, 0, on_epoch=seen.append
    )
    assert tuple(seen) == history.epochs
    assert [record.epoch for record in seen] == [0, 1, 2]
    assert history.steps == 12
    assert math.isclose(seen[2].learning_rate, 1e-3 * 0.1**0.2)
    assert history.seconds >= sum(record.seconds for record in seen) >= history.first_step_seconds > 0
    assert seen[2].loss < seen[0].loss


def test_what_on_epoch_raises_ends_the_training(digits, digits_data):
    class Stop(Exception):
        pass

    def stop(record):
        raise Stop

    with pytest.raises(Stop):
        train(dense_network(digits.info), small(digits_data), digits.info, Recipe(), 0, on_epoch=stop)


def test_an_infinite_loss_is_found_within_the_first_steps(digits, digits_data):
    model = dense_network(digits.info)
    model.set_weights([np.full_like(w, np.nan) for w in model.get_weights()])
    with pytest.raises(Diverged, match=r"loss became nan within the first 10 steps"):
        train(model, digits_data, digits.info, Recipe(epochs=1), 0)


def test_weights_that_end_up_infinite_are_found_though_the_loss_was_finite(digits, digits_data):
    model = dense_network(digits.info)
    recipe = Recipe(epochs=1, batch_size=100, optimizer="sgd", learning_rate=1e6, weight_decay=1e34)
    with pytest.raises(Diverged, match=r"weight '.*kernel' was not finite after epoch 1 of 1"):
        train(model, small(digits_data), digits.info, recipe, 0)


def test_own_regularizers_are_back_after_training_even_when_it_fails(digits, digits_data):
    own = keras.regularizers.L2(0.1)
    model = dense_network(digits.info, kernel_regularizer=own)
    model.set_weights([np.full_like(w, np.nan) for w in model.get_weights()])
    with pytest.raises(Diverged):
        train(model, digits_data, digits.info, Recipe(weight_decay=0.1), 0)
    assert [w.regularizer for w in model.trainable_variables] == [own, None, None, None]


def test_outputs_that_are_not_the_heads_are_refused():
    heads = tuple(
        Head(n, 2, "softmax", "sparse_categorical_crossentropy", "sparse_categorical_accuracy", 0.5)
        for n in "ab"
    )
    info = TaskInfo("two", (3,), heads)
    inputs = keras.Input((3,))
    model = keras.Model(
        inputs, [keras.layers.Dense(2, name="a")(inputs), keras.layers.Dense(2, name="c")(inputs)]
    )
    with pytest.raises(
        ValueError, match=r"must be the heads of task 'two', \['a', 'b'\]. Received: \['a', 'c'\]"
    ):
        Objective(model, info)


@pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="graphs are TensorFlow's")
@pytest.mark.parametrize(
    ("make", "optimizer"),
    [
        *((dense_network, name) for name in OPTIMIZERS),
        *((half_precision_network, name) for name in OPTIMIZERS),
    ],
)
def test_no_graph_survives_a_training(digits, digits_data, make, optimizer):
    from tensorflow import Graph

    gc.collect()
    before = {id(g) for g in gc.get_objects() if isinstance(g, Graph)}
    model = make(digits.info)
    train(model, small(digits_data), digits.info, Recipe(epochs=1, optimizer=optimizer), 0)
    score(model, digits_data.validation, digits.info)
    alive = weakref.ref(model)
    del model
    keras.backend.clear_session()
    gc.collect()
    assert alive() is None
    assert [g for g in gc.get_objects() if isinstance(g, Graph) and id(g) not in before] == []
