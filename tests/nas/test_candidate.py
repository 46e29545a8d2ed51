"""Candidate, Outcome and random streams: identity decides, nothing else does."""

from __future__ import annotations

import json
import subprocess
import sys

import numpy as np
import pytest

from gondwana.nas.candidate import RESULTS, Candidate, Outcome, State, canonical_json, make_spec
from gondwana.nas.randomness import stream, training_seed

PARTS = {
    "task": {"name": "digits", "options": {}},
    "model": {"kind": "architecture", "name": "small_cnn"},
    "initialization": {"strategy": "autoinit"},
    "training": {"epochs": 1},
}


def test_canonical_json_ignores_the_order_of_keys():
    assert canonical_json({"b": 1, "a": [1.5, None]}) == canonical_json({"a": [1.5, None], "b": 1})


@pytest.mark.parametrize("number", [float("nan"), float("inf")])
def test_canonical_json_refuses_numbers_that_are_not_finite(number):
    with pytest.raises(ValueError, match="Out of range float values"):
        canonical_json({"x": number})


def test_equal_specs_have_equal_seeds_and_keys():
    one, two = make_spec(0, **PARTS), make_spec(0, **PARTS)
    assert one == two
    assert Candidate(0, 0, one).key == Candidate(7, 3, two, {"parents": [1]}).key


@pytest.mark.parametrize(
    "change",
    [{"replicate": 1}, {"training": {"epochs": 2}}, {"initialization": {"strategy": "he_normal"}}],
    ids=["replicate", "training", "strategy"],
)
def test_any_difference_gives_another_seed_and_key(change):
    base, other = make_spec(0, **PARTS), make_spec(0, **{**PARTS, **change})
    assert base["seed"] != other["seed"]
    assert Candidate(0, 0, base).key != Candidate(0, 0, other).key


def test_the_run_seed_reaches_the_training_seed():
    assert make_spec(0, **PARTS)["seed"] != make_spec(1, **PARTS)["seed"]


def test_training_seed_fits_every_backend():
    assert all(0 <= training_seed(s, "{}") < 2**31 for s in range(100))


def test_streams_repeat_and_differ_by_identity():
    draw = stream(5, "mutation", 3).integers(2**62)
    assert draw == stream(5, "mutation", 3).integers(2**62)
    others = {
        stream(*identity).integers(2**62)
        for identity in [(5, "mutation", 4), (5, "mutation3"), (6, "mutation", 3)]
    }
    assert draw not in others and len(others) == 3


def test_words_and_numbers_are_different_identities():
    assert stream(0, "1").integers(2**62) != stream(0, 1).integers(2**62)


def test_streams_are_the_same_in_another_process():
    code = "from gondwana.nas.randomness import stream; print(stream(5, 'x', 1).integers(2**62))"
    fresh = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert int(fresh.stdout) == stream(5, "x", 1).integers(2**62)


def test_outcome_round_trips_through_json_text():
    outcome = Outcome(
        3, State.DIVERGED, 0.1, {"val_loss": 2.0}, 100, {"trained": 1.5}, 7, "host:1", "loss is nan"
    )
    assert Outcome.from_json(json.loads(json.dumps(outcome.to_json()))) == outcome


@pytest.mark.parametrize("state", sorted(set(State) - RESULTS))
def test_failures_carry_no_fitness(state):
    with pytest.raises(ValueError, match="fitness exactly when"):
        Outcome(0, state, 0.5, reason="because")


@pytest.mark.parametrize("state", sorted(RESULTS))
def test_results_carry_a_fitness(state):
    with pytest.raises(ValueError, match="fitness exactly when"):
        Outcome(0, state, None, reason="because")


def test_everything_but_completed_says_why():
    with pytest.raises(ValueError, match="says why"):
        Outcome(0, State.TIMED_OUT)


def test_a_fitness_is_a_float_whatever_number_it_came_as() -> None:
    outcome = Outcome(0, State.COMPLETED, np.float64(0.1))
    assert type(outcome.fitness) is float
    assert Outcome.from_json(outcome.to_json()) == outcome
