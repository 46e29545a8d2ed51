"""Networks trained together come out as if each had been trained alone, in whatever way the others end."""

from __future__ import annotations

import keras
import numpy as np
import pytest

from gondwana import autoinit
from gondwana.tasks.base import SearchData, Split
from gondwana.tasks.training.fit import Diverged, train
from gondwana.tasks.training.recipe import Recipe
from gondwana.tasks.training.together import Member, structure, train_together
from tests.helpers.networks import dense_network

only_jax = pytest.mark.skipif(keras.backend.backend() != "jax", reason="needs KERAS_BACKEND=jax")


def made(info, seed: int, **options) -> keras.Model:
    return autoinit.initialize(
        dense_network(info, seed, **{"dropout": 0.3, **options}), "autoinit", seed=seed
    )


def test_structure_is_what_a_network_computes(digits):
    same = {structure(made(digits.info, seed)) for seed in range(3)}
    assert len(same) == 1
    assert structure(made(digits.info, 0, dropout=0.2)) not in same
    assert structure(made(digits.info, 0, use_bias=False)) not in same


def test_a_network_that_cannot_be_described_has_no_structure(digits):
    class Secret(keras.layers.Layer):
        def __init__(self, secret):
            super().__init__()

        def call(self, x):
            return x

    inputs = keras.Input((3,))
    assert structure(keras.Model(inputs, Secret(object())(inputs))) is None


RECIPES = {
    "plain": {},
    "penalties": {"weight_decay": 0.01, "scale_penalties": True, "schedule": "cosine"},
    "augmented": {"augmentation": {"crop": 1}, "optimizer": "sgd", "momentum": 0.9},
    "stopping": {"early_stopping": 1, "epochs": 4},
}


@only_jax
@pytest.mark.parametrize("fused", [False, True])
@pytest.mark.parametrize("changes", RECIPES.values(), ids=RECIPES.keys())
def test_each_is_as_if_it_had_been_alone(changes, fused, digits, digits_data):
    data = SearchData(Split(digits_data.train.x[:100], digits_data.train.y[:100]), digits_data.validation)
    rates = (1e-3, 1e-3, 3e-2, 1e-2)
    recipes = [
        Recipe.from_json({"epochs": 2, "batch_size": 16, "learning_rate": rate, **changes}) for rate in rates
    ]
    seen: list[list[float]] = [[] for _ in rates]
    models = [made(digits.info, seed) for seed in range(4)]
    hopeless = [np.full_like(weight, np.nan) for weight in models[1].get_weights()]
    models[1].set_weights(hopeless)
    members = [
        Member(model, recipe, 10 + i, lambda epoch, i=i: seen[i].append(epoch.loss))
        for i, (model, recipe) in enumerate(zip(models, recipes, strict=True))
    ]
    found = train_together(members, data, digits.info, fused=fused)
    for i, (member, result) in enumerate(zip(members, found, strict=True)):
        alone = made(digits.info, i)
        if i == 1:
            assert isinstance(result, Diverged) and "loss became nan in epoch 1 of" in str(result)
            assert not seen[i]
            continue
        history = train(alone, data, digits.info, member.recipe, member.seed)
        assert seen[i] == pytest.approx([epoch.loss for epoch in history.epochs], rel=1e-4)
        assert result.steps == history.steps
        for one, other in zip(alone.get_weights(), member.model.get_weights(), strict=True):
            np.testing.assert_allclose(one, other, rtol=1e-3, atol=1e-5)
