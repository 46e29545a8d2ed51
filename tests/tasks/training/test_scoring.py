"""Scores during a training: cheap, on a fixed part, equal to Keras' own figures."""

from __future__ import annotations

import keras
import numpy as np
import pytest

from gondwana.tasks.base import Head, Split, TaskInfo
from gondwana.tasks.splits import classification_head
from gondwana.tasks.training.fit import score
from gondwana.tasks.training.scoring import LEAST, Scorer, fixed_part, part_size


def network(heads: tuple[Head, ...]) -> keras.Model:
    inputs = keras.Input((6,))
    outputs = [
        keras.layers.Dense(
            head.units,
            head.activation,
            name=head.name,
            kernel_initializer=keras.initializers.RandomNormal(stddev=2.0, seed=1),
        )(inputs)
        for head in heads
    ]
    return keras.Model(inputs, outputs)


BINARY = Head("yes", 1, "sigmoid", "binary_crossentropy", "binary_accuracy", 0.5)
SQUARES = Head("value", 1, "linear", "mean_squared_error", "r2_score", 0.0)
CASES = {
    "classes": (classification_head(4, name="classes"),),
    "binary": (BINARY,),
    "heads": (classification_head(3, name="one"), classification_head(5, name="two")),
    "regression": (SQUARES,),
}


@pytest.mark.parametrize("name", CASES)
def test_the_figures_are_those_of_keras(name):
    heads, rng = CASES[name], np.random.default_rng(0)
    x = rng.normal(size=(300, 6)).astype("float32")
    y = {
        head.name: rng.integers(-1 if len(heads) > 1 else 0, max(2, head.units), 300).astype("int32")
        for head in heads
    }
    if name in ("binary", "regression"):
        y = {key: value.astype("float32") for key, value in y.items()}
    split = Split(x, y if len(heads) > 1 else y[heads[0].name])
    info = TaskInfo("made", (6,), heads)
    model = network(heads)
    scorer = Scorer(model, split, info, trained=2000)
    whole, part = scorer.whole()
    assert whole == score(model, split, info)
    rows = scorer.part_rows
    targets = {key: value[rows] for key, value in y.items()}
    expected = score(model, Split(x[rows], targets if len(heads) > 1 else targets[heads[0].name]), info)
    for found in (part, scorer.part()):
        assert found["loss"] == pytest.approx(expected["loss"], rel=1e-5)
        assert found["fitness"] == pytest.approx(expected["fitness"], rel=1e-6)


def test_the_part_grows_with_the_training_and_ends_at_the_split():
    assert part_size(10_000, 100) == LEAST
    assert part_size(10_000, 60_000) == 3000
    assert part_size(400, 60_000) == 400
    assert part_size(20, 100) == 20


def test_a_split_sorted_by_class_keeps_its_shares():
    y = np.repeat(np.arange(10), 100)
    rows = fixed_part(y, 1000, 50)
    assert len(rows) == 50
    assert np.bincount(y[rows]).tolist() == [5] * 10


def test_every_head_has_a_row_however_rare_its_labels_are():
    y = {"common": np.zeros(1000, int), "rare": np.full(1000, -1)}
    y["rare"][700], y["common"][700] = 2, -1
    rows = fixed_part(y, 1000, 50)
    assert 700 in rows
    assert 49 <= len(rows) <= 52
