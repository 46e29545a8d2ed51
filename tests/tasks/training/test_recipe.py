from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gondwana.tasks.training.recipe import Recipe
from gondwana.tasks.training.schedules import Schedule


def test_steps_per_epoch_are_in_the_json_only_where_they_are_set():
    assert "steps_per_epoch" not in Recipe().to_json()
    recipe = Recipe(steps_per_epoch=1000)
    assert Recipe.from_json(recipe.to_json()) == recipe
    with pytest.raises(ValueError, match="'steps_per_epoch' must be a whole number"):
        Recipe.from_json({"steps_per_epoch": 0})


def test_json_round_trip():
    recipe = Recipe(
        epochs=3,
        optimizer="sgd",
        momentum=0.9,
        nesterov=True,
        schedule=Schedule("steps", epochs=(1, 2), factor=0.5),
        clip_norm=1.0,
    )
    assert Recipe.from_json(recipe.to_json()) == recipe
    assert Recipe.from_json({}) == Recipe()


@pytest.mark.parametrize("kind", ["constant", "cosine", "exponential", "steps"])
def test_a_schedule_may_be_given_by_its_name(kind):
    assert Recipe.from_json({"schedule": kind}).schedule == Schedule(kind)
    assert Schedule.from_json(Schedule(kind).to_json()) == Schedule(kind)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ({"epoch": 3}, r"unknown key of training 'epoch'. Did you mean 'epochs'\?"),
        ({"epochs": 0}, "'epochs' must be a whole number of at least 1. Received: 0"),
        ({"epochs": 2.0}, "'epochs' must be a whole number"),
        ({"learning_rate": 0}, "'learning_rate' must be a number greater than 0"),
        ({"learning_rate": math.nan}, "'learning_rate' must be a number"),
        ({"learning_rate": "0.1"}, "'learning_rate' must be a number"),
        ({"optimizer": "adamm"}, r"unknown optimizer of training 'adamm'. Did you mean 'adam'\?"),
        ({"momentum": 0.9}, "'momentum' belongs to rmsprop and sgd"),
        ({"nesterov": True}, "'nesterov' needs optimizer 'sgd' and a momentum"),
        ({"nesterov": 1}, "'nesterov' must be true or false"),
        ({"weight_decay": -1e-3}, "'weight_decay' must be a number of at least 0. Received: -0.001"),
        ({"clip_norm": 0}, "'clip_norm' must be a number greater than 0"),
        ({"schedule": "cosin"}, r"unknown schedule of training 'cosin'. Did you mean 'cosine'\?"),
        ({"schedule": {"kind": "cosine", "factr": 1}}, "unknown key of schedule 'factr'"),
        ({"schedule": {"kind": "cosine", "factor": 1}}, "unknown key of schedule 'cosine' 'factor'"),
        ({"schedule": {"kind": "steps", "epochs": 5}}, "'epochs' must be a list"),
        ({"schedule": {"kind": "steps", "epochs": [0]}}, "each entry of schedule 'epochs'"),
        ({"schedule": 7}, "'schedule' must be a name or an object"),
    ],
)
def test_what_a_user_got_wrong_is_said(data, message):
    with pytest.raises(ValueError, match=message):
        Recipe.from_json(data)


def test_step_drops_are_those_of_all_cnn_c():
    schedule = Schedule("steps", epochs=(200, 250, 300))
    rates = [0.01 * schedule.factors(epoch, 350, 2)[0] for epoch in (0, 199, 200, 249, 250, 299, 300, 349)]
    assert np.allclose(rates, [1e-2, 1e-2, 1e-3, 1e-3, 1e-4, 1e-4, 1e-5, 1e-5], rtol=1e-12)


def test_exponential_decay_is_the_papers_formula():
    schedule = Schedule("exponential")
    for epoch in (0, 1, 7, 20):
        assert np.allclose(schedule.factors(epoch, 40, 3), 0.1 ** (epoch / 10), rtol=1e-12)


def test_cosine_falls_from_1_to_almost_the_final_factor_after_the_warmup():
    schedule = Schedule("cosine", warmup_epochs=2, final=0.1)
    course = np.concatenate([schedule.factors(epoch, 10, 5) for epoch in range(10)])
    assert np.allclose(course[:10], np.arange(1, 11) / 10, rtol=1e-12)
    assert course[10] == 1.0
    assert (np.diff(course[10:]) < 0).all()
    last = 0.1 + 0.9 * 0.5 * (1 + math.cos(math.pi * 39 / 40))
    assert math.isclose(course[-1], last, rel_tol=1e-12)


@given(
    st.sampled_from(["constant", "cosine", "exponential", "steps"]),
    st.floats(0, 6),
    st.integers(1, 6),
    st.integers(1, 7),
)
def test_factors_are_finite_and_between_0_and_1(kind, warmup, epochs, steps):
    schedule = Schedule(kind, warmup_epochs=warmup, epochs=(2,) if kind == "steps" else ())
    for epoch in range(epochs):
        factors = schedule.factors(epoch, epochs, steps)
        assert factors.shape == (steps,)
        assert ((factors >= 0) & (factors <= 1)).all()
        assert factors[0] > 0 or kind == "cosine"
