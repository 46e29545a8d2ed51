"""Rows from files, and tables of predictions."""

from __future__ import annotations

import keras
import numpy as np
import pandas as pd
import pytest
from PIL import Image

from gondwana.nas.delivery.predicting import Predictor
from gondwana.nas.delivery.rows import check_columns, predictions, read_rows
from gondwana.tasks.own_data.memory import prepare
from tests.helpers.delivered import mixed_table, network


@pytest.fixture(scope="module")
def predictor() -> Predictor:
    found = prepare((mixed_table(), np.where(np.arange(120) % 3 == 0, "a", "b")))
    return Predictor(network(found.splits[0].x.shape[1]), found.preprocessing, raw=False, target="y")


@pytest.fixture(scope="module")
def seeing() -> Predictor:
    model = keras.Sequential([keras.Input((4, 4, 3)), keras.layers.Flatten(), network(48)])
    fitted = {"mean": 100.0, "deviation": 50.0, "shape": [4, 4, 3], "range": [0, 255]}
    return Predictor(model, {"encoder": None, "input": fitted, "classes": ["cat", "dog"]}, raw=False)


def test_a_table_is_predicted_from_its_file_as_from_memory(predictor, tmp_path):
    frame = mixed_table()
    frame.to_csv(tmp_path / "rows.csv", index=False)
    frame.to_csv(tmp_path / "semicolons.csv", index=False, sep=";")
    frame.to_csv(tmp_path / "rows.tsv", index=False, sep="\t")
    expected = predictions(predictor, read_rows(tmp_path / "rows.csv", predictor))
    assert list(expected.columns) == ["prediction", "probability a", "probability b"]
    np.testing.assert_allclose(expected["probability a"], predictor.predict_proba(frame)[:, 0], atol=1e-5)
    for name in ("semicolons.csv", "rows.tsv"):
        found = predictions(predictor, read_rows(tmp_path / name, predictor), keep=["town"])
        assert list(found["town"].head(2)) == list(frame["town"].fillna("").head(2))
        pd.testing.assert_frame_equal(found.drop(columns="town"), expected)


def test_columns_must_be_those_of_training(predictor):
    frame = mixed_table()
    check_columns(frame.assign(y="a"), predictor)
    check_columns(frame.assign(number=1), predictor, ["number"])
    with pytest.raises(ValueError, match="lacks the columns 'age', 'town', with which"):
        check_columns(frame.drop(columns=["age", "town"]), predictor)
    with pytest.raises(ValueError, match=r"unknown column 'twon'.*Did you mean 'town'.*--keep"):
        check_columns(frame.assign(twon=1), predictor)


def test_images_of_a_folder_are_predicted_by_name(seeing, tmp_path):
    (tmp_path / "new").mkdir()
    for name, value in (("b.png", 200), ("new/a.png", 10)):
        Image.new("RGB", (9, 7), (value, value, value)).save(tmp_path / name)
    found = predictions(seeing, read_rows(tmp_path, seeing))
    assert list(found["file"]) == ["b.png", "new/a.png"]
    pixels = np.full((1, 4, 4, 3), 200, np.uint8)
    np.testing.assert_allclose(found["probability cat"][0], seeing.predict_proba(pixels)[0, 0], rtol=1e-6)


def test_arrays_come_from_their_files(seeing, tmp_path):
    pixels = np.random.default_rng(0).integers(0, 256, (3, 4, 4, 3), np.uint8)
    np.save(tmp_path / "x.npy", pixels)
    np.savez(tmp_path / "x.npz", x=pixels, y=np.zeros(3))
    np.savez(tmp_path / "two.npz", a=pixels, b=pixels)
    expected = seeing.predict(pixels)
    for name in ("x.npy", "x.npz"):
        assert list(seeing.predict(read_rows(tmp_path / name, seeing).rows)) == list(expected)
    with pytest.raises(ValueError, match=r"must be called x\. Received: a, b"):
        read_rows(tmp_path / "two.npz", seeing)


def test_what_does_not_fit_is_refused_in_a_line(predictor, seeing, tmp_path):
    (tmp_path / "rows.csv").write_text("a,b\n1,2\n")
    (tmp_path / "latin.csv").write_bytes("a,b\nÄ,1\n".encode("latin-1"))
    (tmp_path / "bad.npy").write_text("x")
    (tmp_path / "rows.doc").write_text("x")
    (tmp_path / "empty").mkdir()
    for name, of, words in (
        ("rows.csv", seeing, r"takes arrays of shape \(4, 4, 3\)"),
        ("latin.csv", predictor, "is not UTF-8"),
        ("bad.npy", seeing, "cannot be read as a file of arrays"),
        ("rows.doc", predictor, "the ending of a file says what it is"),
        ("empty", seeing, "there are no images in"),
        ("empty", predictor, "takes the rows of a table"),
        ("absent.csv", predictor, "there is no"),
    ):
        with pytest.raises(ValueError, match=words):
            read_rows(tmp_path / name, of)
    with pytest.raises(ValueError, match=r"must have the shape \(rows, 4, 4, 3\)"):
        predictions(seeing, read_rows(_saved(tmp_path / "flat.npy"), seeing))


def _saved(path):
    np.save(path, np.zeros((2, 5)))
    return path
