"""The surrogate: a function of seed and outcomes, made on a schedule, silent while it knows nothing."""

from __future__ import annotations

import math

import numpy as np
import pytest
from pydantic import BaseModel, ValidationError

from gondwana.nas.searches.surrogate.settings import SurrogateItem, SurrogateSettings
from gondwana.nas.searches.surrogate.surrogate import Surrogate

SETTINGS = SurrogateSettings(trees=20, least=20, growth=1.5)


def taught(count: int, seed: int = 0, noise: float = 0.1, **changes) -> Surrogate:
    """Return a surrogate of outcomes that the first of four features decides, the second of which is constant."""
    rng = np.random.default_rng(3)
    model = Surrogate(SETTINGS.model_copy(update=changes), seed)
    for _ in range(count):
        row = rng.normal(size=4)
        row[1] = 7.0
        model.learn(row, None if row[0] < -1 else float(row[0] + noise * rng.normal()))
    return model


def test_there_is_no_model_of_few_outcomes():
    assert not taught(19).ready()
    assert taught(20).ready()
    assert not taught(19).history


def test_it_finds_what_decides():
    model = taught(80)
    assert model.ready()
    figures = model.figures([[-1, 7, 0, 0], [0, 7, 0, 0], [2, 7, 0, 0]])
    assert figures.argmax() == 2 and figures.argmin() == 0
    assert model.correlation > 0.8


def test_what_is_no_better_than_chance_is_not_used():
    model = Surrogate(SETTINGS, 0)
    rng = np.random.default_rng(1)
    for _ in range(60):
        model.learn(rng.normal(size=3), float(rng.normal()))
    assert not model.ready()
    assert [line["used"] for line in model.history] == [False]


@pytest.mark.parametrize("fitness", [0.5, None])
def test_equal_outcomes_and_constant_features_teach_nothing_and_do_no_harm(fitness):
    model = Surrogate(SETTINGS, 0)
    for _ in range(30):
        model.learn(np.zeros(3), fitness)
    assert not model.ready()
    assert model.correlation == 0.0


def test_the_schedule_depends_on_the_number_of_outcomes_alone():
    """Asked after each outcome or once at the end, the last forest is the same."""
    rng, often = np.random.default_rng(3), Surrogate(SETTINGS, 5)
    once = taught(70, seed=5)
    for _ in range(70):
        row = rng.normal(size=4)
        row[1] = 7.0
        often.learn(row, None if row[0] < -1 else float(row[0] + 0.1 * rng.normal()))
        often.ready()
    once.ready()
    assert [line["outcomes"] for line in often.history] == [20, 30, 45, 68]
    assert often.history[-1] == once.history[-1]
    probe = np.random.default_rng(0).normal(size=(5, 4))
    np.testing.assert_array_equal(often.figures(probe), once.figures(probe))


def test_the_seed_of_the_run_decides_the_forest():
    probe = np.random.default_rng(0).normal(size=(50, 4))
    figures = []
    for seed in (0, 0, 1):
        model = taught(50, seed=seed)
        model.ready()
        figures.append(model.figures(probe))
    np.testing.assert_array_equal(figures[0], figures[1])
    assert (figures[0] != figures[2]).any()


def test_what_the_trees_disagree_about_is_worth_more_with_a_spread():
    sure, bold = taught(60, spread=0.0), taught(60, spread=2.0)
    assert sure.ready() and bold.ready()
    probe = np.random.default_rng(0).normal(size=(30, 4))
    assert (bold.figures(probe) >= sure.figures(probe)).all()
    assert (bold.figures(probe) > sure.figures(probe)).any()


def test_large_numbers_of_outcomes_cost_no_more_samples_a_tree():
    forest = taught(20)._forest(10_000)
    assert math.isclose(forest.max_samples, 0.1)


class Section(BaseModel):
    surrogate: SurrogateItem = None


def test_a_config_may_say_true_false_or_settings():
    assert Section(surrogate=True).surrogate == SurrogateSettings()
    assert Section(surrogate=False).surrogate is None
    assert Section(surrogate={"candidates": 4}).surrogate.candidates == 4
    with pytest.raises(ValidationError, match="greater than or equal to 2"):
        Section(surrogate={"candidates": 1})
