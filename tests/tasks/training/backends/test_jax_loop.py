"""The training steps on JAX: both ways of running them, several networks at once, the compilation cache."""

from __future__ import annotations

import gc

import keras
import numpy as np
import pytest

from gondwana import autoinit
from gondwana.tasks.base import SearchData, Split
from gondwana.tasks.training import fit
from gondwana.tasks.training.objective import Objective
from gondwana.tasks.training.recipe import Recipe
from tests.helpers.networks import dense_network

pytestmark = pytest.mark.skipif(keras.backend.backend() != "jax", reason="needs KERAS_BACKEND=jax")


def few(data: SearchData, count: int = 100) -> SearchData:
    return SearchData(Split(data.train.x[:count], data.train.y[:count]), data.validation)


def made(info, seed: int) -> keras.Model:
    return autoinit.initialize(dense_network(info, dropout=0.3), "autoinit", seed=seed)


@pytest.mark.parametrize("augmented", [False, True])
def test_a_loop_within_the_program_computes_what_single_steps_do(augmented, digits, digits_data, monkeypatch):
    from gondwana.tasks.training.backends.jax_loop import JaxLoop

    augmentation = {"flip": True} if augmented else None
    recipe = Recipe.from_json({"epochs": 2, "batch_size": 4, "augmentation": augmentation})
    trained = []
    for fused in (False, True):
        monkeypatch.setattr(fit, "make_loop", lambda *args, fused=fused: JaxLoop(*args, fused=fused))
        model = made(digits.info, 1)
        history = fit.train(model, few(digits_data, 300), digits.info, recipe, seed=2)
        assert history.steps == 150  # more than one call of the program per epoch
        trained.append((history.epochs[-1].loss, model.get_weights()))
    assert trained[0][0] == pytest.approx(trained[1][0], rel=1e-5)
    for one, other in zip(trained[0][1], trained[1][1], strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("fused", [False, True])
def test_networks_trained_at_once_are_those_trained_alone(fused, digits, digits_data):
    from gondwana.tasks.training.backends.jax_loop import JaxLoop, JaxTrainer

    data, rates = few(digits_data), np.array([1e-3, np.nan, 1e-2])
    rng = np.random.default_rng(0)
    rows = rng.integers(0, 100, (6, 3, 16))
    models = [made(digits.info, seed) for seed in range(3)]
    together = JaxTrainer(
        models, keras.optimizers.Adam(), Objective(models[0], digits.info), data.train, fused=fused
    )
    for step in rows:
        together.step(step, rates)
    losses = together.mean_losses()
    assert not np.isfinite(losses[1])  # and the others do not notice
    for i in (0, 2):
        model = made(digits.info, i)
        loop = JaxLoop(model, keras.optimizers.Adam(), Objective(model, digits.info), data.train)
        for step in rows:
            loop.step(step[i], rates[i])
        assert losses[i] == pytest.approx(loop.mean_loss(), rel=1e-5)
        for one, other in zip(model.get_weights(), models[i].get_weights(), strict=True):
            np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-6)


def test_values_that_others_look_at_are_not_overwritten(digits, digits_data):
    model = made(digits.info, 1)
    before = model.get_weights()
    kept = [weight.copy() for weight in before]
    fit.train(model, few(digits_data), digits.info, Recipe(epochs=1), seed=0)
    assert all(np.array_equal(one, other) for one, other in zip(before, kept, strict=True))


def test_a_predictor_is_compiled_once_for_networks_of_one_structure(digits, digits_data):
    from gondwana.tasks.training.backends.jax_loop import JaxPredictor

    one, other = made(digits.info, 1), made(digits.info, 2)
    x = digits_data.validation.x[:70]
    predictor = JaxPredictor(one, 32)
    first, second = predictor(x)[0], predictor.like(other)(x)[0]
    np.testing.assert_allclose(first, one.predict(x, verbose=0), rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(second, other.predict(x, verbose=0), rtol=1e-5, atol=1e-6)


def test_nothing_of_a_training_stays_in_memory(digits, digits_data):
    import jax

    def live() -> int:
        keras.utils.clear_session()
        gc.collect()
        return sum(array.nbytes for array in jax.live_arrays())

    counts = []
    for seed in range(3):
        fit.train(made(digits.info, seed), few(digits_data), digits.info, Recipe(epochs=1), seed=0)
        counts.append(live())
    assert counts[2] <= counts[0]


def test_the_cache_respects_the_user(monkeypatch, tmp_path):
    import jax

    from gondwana.tasks.training.backends import jax_cache

    before = jax.config.jax_compilation_cache_dir
    try:
        jax.config.update("jax_compilation_cache_dir", None)
        monkeypatch.setenv(jax_cache.VARIABLE, "off")
        assert jax_cache.use_cache.__wrapped__() is None
        monkeypatch.setenv(jax_cache.VARIABLE, "")
        monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
        folder = jax_cache.use_cache.__wrapped__()
        assert folder is not None and folder.is_relative_to(tmp_path)
        assert jax_cache.use_cache.__wrapped__() is None  # one that is set stays
        jax.config.update("jax_compilation_cache_dir", None)
        (tmp_path / "file").touch()
        monkeypatch.setenv(jax_cache.VARIABLE, str(tmp_path / "file"))
        assert jax_cache.use_cache.__wrapped__() is None  # cannot be made
    finally:
        jax.config.update("jax_compilation_cache_dir", before)
