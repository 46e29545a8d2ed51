"""A network with its preprocessing: the same predictions as the encoder and the network alone."""

from __future__ import annotations

import keras
import numpy as np
import pandas as pd
import pytest
from keras import ops

from gondwana.tasks.own_data.answers import Answers
from gondwana.tasks.own_data.memory import prepare
from gondwana.tasks.predictor.graph import NotExpressibleError, encoding, with_preprocessing
from gondwana.tasks.predictor.inputs import describe_inputs, graph_inputs
from tests.helpers.delivered import mixed_table, network, odd_rows


def tensors(inputs):
    return {
        name: ops.convert_to_tensor(cells, dtype="string" if cells.dtype == object else "float64")
        for name, cells in inputs.items()
    }


@pytest.fixture(scope="module")
def prepared():
    frame = mixed_table()
    return prepare((frame, np.where(np.arange(len(frame)) % 3 == 0, "a", "b")))


def test_every_kind_of_cell_is_encoded_as_the_encoder_does(prepared):
    frame = odd_rows(mixed_table())
    kinds = {column.kind for column in Answers(prepared.preprocessing).encoder.columns.values()}
    assert kinds == {"number", "category", "boolean", "date", "text"}
    inputs, encoded = encoding(prepared.preprocessing)
    found = keras.Model(inputs, encoded)(tensors(graph_inputs(prepared.preprocessing, frame)))
    expected = Answers(prepared.preprocessing).inputs(frame)
    np.testing.assert_allclose(ops.convert_to_numpy(found), expected, rtol=0, atol=1e-6)
    assert np.ptp(expected[:6], axis=0).max() > 1  # the odd rows say something


def test_the_network_predicts_the_same_from_raw_rows(prepared):
    frame = odd_rows(mixed_table())
    alone = network(prepared.splits[0].x.shape[1])
    whole = with_preprocessing(alone, prepared.preprocessing)
    expected = ops.convert_to_numpy(alone(Answers(prepared.preprocessing).inputs(frame)))
    found = ops.convert_to_numpy(whole(tensors(graph_inputs(prepared.preprocessing, frame))))
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-5)


def test_plain_cells_need_no_help(prepared):
    """Cells that are clean already go in as they are, ISO dates and capital letters among them."""
    cells = {
        "age": [[41.5], [np.nan]],
        "stamp _ s": [[1.7e9 + 3.25], [np.nan]],
        "town": [["Graz"], ["NA"]],
        "code": [[2], [np.nan]],
        "ok": [["YES"], [""]],
        "since": [["2020-02-29 23:59"], ["31.12.2020"]],
        "when": [["1999-12-31T00:00:01.5"], [""]],
        "note": [["Hello world"], ["none"]],
    }
    frame = pd.DataFrame({name.replace(" _ ", " / "): np.ravel(values) for name, values in cells.items()})
    frame["since"] = ["29.02.2020 23:59", None]
    inputs, encoded = encoding(prepared.preprocessing)
    arrays = {
        name: np.array(values, object if isinstance(values[0][0], str) else float)
        for name, values in cells.items()
    }
    found = ops.convert_to_numpy(keras.Model(inputs, encoded)(tensors(arrays)))
    np.testing.assert_allclose(found, Answers(prepared.preprocessing).inputs(frame), rtol=0, atol=1e-6)


def test_a_number_comes_in_its_own_units():
    frame = pd.DataFrame({"size": np.linspace(0, 9, 50), "kind": ["x", "y"] * 25})
    price = 400_000 + 1e4 * frame["size"].to_numpy()
    found = prepare((frame, price), predict="number")
    alone = network(found.splits[0].x.shape[1], 1)
    whole = with_preprocessing(alone, found.preprocessing)
    answers = Answers(found.preprocessing)
    expected = answers.answers(ops.convert_to_numpy(alone(answers.inputs(frame))))
    values = ops.convert_to_numpy(whole(tensors(graph_inputs(found.preprocessing, frame))))[:, 0]
    np.testing.assert_allclose(values, expected, rtol=1e-12)
    assert 350_000 < values.mean() < 550_000


def test_an_array_of_numbers_goes_in_as_one():
    rows = np.random.default_rng(0).normal(5, 2, (60, 4))
    rows[::5, 1] = np.nan
    found = prepare((rows, rows[:, 0] > 5))
    alone = network(found.splits[0].x.shape[1])
    whole = with_preprocessing(alone, found.preprocessing)
    assert [item["shape"] for item in describe_inputs(found.preprocessing)] == [[4]]
    np.testing.assert_allclose(whole(rows), alone(found.splits[0].x), rtol=0, atol=1e-6)


@pytest.mark.parametrize(
    "scale", [{"mean": 101.5, "deviation": 51.25}, {"mean": [1, 2, 3], "deviation": [4, 5, 6]}]
)
def test_images_go_in_with_pixels_from_0_to_255(scale):
    pixels = np.random.default_rng(0).integers(0, 256, (5, 4, 4, 3), np.uint8)
    given = {
        "encoder": None,
        "classes": ["cat", "dog"],
        "input": {**scale, "shape": [4, 4, 3], "range": [0, 255]},
    }
    alone = keras.Sequential([keras.Input((4, 4, 3)), keras.layers.Flatten(), network(48)])
    whole = with_preprocessing(alone, given)
    np.testing.assert_allclose(whole(pixels), alone(Answers(given).inputs(pixels)), rtol=0, atol=1e-5)
    assert "0 to 255" in describe_inputs(given)[0]["form"]


def test_one_probability_becomes_two():
    inputs = keras.Input((2,))
    alone = keras.Model(inputs, keras.layers.Dense(1, "sigmoid")(inputs))
    given = {"encoder": None, "classes": ["no", "yes"], "input": {"shape": [2]}}
    found = ops.convert_to_numpy(with_preprocessing(alone, given)(np.ones((3, 2), "float32")))
    np.testing.assert_allclose(found.sum(axis=1), 1.0, rtol=1e-6)
    np.testing.assert_allclose(found[:, 1:], alone(np.ones((3, 2), "float32")), rtol=1e-6)


def test_a_network_with_two_outputs_is_refused():
    inputs = keras.Input((2,))
    both = keras.Model(inputs, [keras.layers.Dense(1)(inputs), keras.layers.Dense(1)(inputs)])
    with pytest.raises(NotExpressibleError, match="2 outputs"):
        with_preprocessing(both, {"encoder": None, "classes": [0, 1], "input": {"shape": [2]}})


def test_a_table_needs_the_backend_that_has_text(prepared, monkeypatch):
    monkeypatch.setattr(keras.config, "backend", lambda: "jax")
    with pytest.raises(NotExpressibleError, match=r"set KERAS_BACKEND=tensorflow\. Received: jax"):
        encoding(prepared.preprocessing)
