"""The file with a network and its preprocessing, and what predicts with it."""

from __future__ import annotations

import json
import subprocess
import sys

import keras
import numpy as np
import pytest

import gondwana
from gondwana.nas.delivery import predictor
from gondwana.nas.delivery.predictor import PREDICTOR, predictor_path, read_notes, write_predictor
from tests.helpers.delivered import delivered, mixed_table, odd_rows

LABELS = np.where(np.arange(120) % 3 == 0, "a", "b")


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    path = delivered(tmp_path_factory.mktemp("runs") / "run", mixed_table(), LABELS)
    assert write_predictor(path) == path / PREDICTOR
    return path


def test_the_file_predicts_as_the_run_does(run):
    rows = odd_rows(mixed_table())
    both = [gondwana.load_predictor(run), gondwana.load_predictor(run / PREDICTOR)]
    np.testing.assert_allclose(both[0].predict_proba(rows), both[1].predict_proba(rows), rtol=0, atol=1e-5)
    assert (
        list(both[0].predict(rows))
        == list(both[1].predict(rows))
        == list(gondwana.load_run(run).predict(rows))
    )
    assert both[1].classes == ["a", "b"] and both[1].target == "y"


def test_a_row_is_answered_as_if_it_were_alone(run):
    rows, found = mixed_table(), gondwana.load_predictor(run / PREDICTOR)
    np.testing.assert_array_equal(found.predict_proba(rows)[5:6], found.predict_proba(rows[5:6]))
    assert found.predict_proba(rows[:0]).shape == (0, 2)


def test_class_names_and_the_forms_of_inputs_are_kept_in_the_file(run):
    notes = read_notes(run / PREDICTOR)
    assert notes["classes"] == ["a", "b"] and notes["predicts"] == "class"
    forms = {item["column"]: item["form"] for item in notes["inputs"]}
    assert "2024-03-31" in forms["since"] and "NaN" in forms["age"]
    assert {item["name"] for item in notes["inputs"]} >= {"stamp _ s", "town"}


def test_the_network_alone_stays_as_it_was(run):
    assert read_notes(run / "best.keras") is None
    assert gondwana.load_network(run / "best.keras").input_shape == (None, 41)
    with pytest.raises(ValueError, match="without its preprocessing"):
        gondwana.load_predictor(run / "best.keras")


def test_a_run_of_an_earlier_version_gets_its_file_when_it_is_asked_for(tmp_path, monkeypatch):
    path = delivered(tmp_path / "run", mixed_table(), LABELS)
    assert not (path / PREDICTOR).exists()
    monkeypatch.setattr(predictor, "MOST_INPUTS", 7)
    assert predictor.provide_predictor(path) is None  # eight columns take a while
    assert predictor_path(path).is_file()
    (path / PREDICTOR).unlink()
    (path / "preprocessing.json").unlink()
    assert write_predictor(path) is None
    with pytest.raises(ValueError, match=r"there is best\.keras only"):
        predictor_path(path)
    with pytest.raises(ValueError, match="nothing that makes inputs of raw rows"):
        gondwana.load_predictor(path)


def test_a_file_that_is_none_is_refused(tmp_path):
    (tmp_path / "x.keras").write_text("no zip")
    with pytest.raises(ValueError, match="not a network that can be loaded"):
        gondwana.load_predictor(tmp_path / "x.keras")
    with pytest.raises(ValueError, match="not a network that can be loaded"):
        gondwana.load_predictor(tmp_path / "absent.keras")


FOREIGN = """
import json, sys, zipfile
import keras, numpy as np
from keras import ops
path, cells = sys.argv[1], json.load(open(sys.argv[2]))
model = keras.models.load_model(path)
classes = json.loads(zipfile.ZipFile(path).read("gondwana.json"))["classes"]
rows = {
    name: ops.convert_to_tensor(np.array(column)[:, None].astype(object if isinstance(column[0], str) else float),
    dtype="string" if isinstance(column[0], str) else "float64")
    for name, column in cells.items()
}
print(json.dumps([classes, ops.convert_to_numpy(model(rows)).tolist(), "gondwana" in sys.modules]))
"""


@pytest.mark.slow
def test_it_is_loaded_and_predicts_without_this_project(run, tmp_path):
    from gondwana.tasks.predictor.inputs import graph_inputs

    rows = odd_rows(mixed_table())[:100]
    predictor = gondwana.load_predictor(run / PREDICTOR)
    cells = {
        name: column[:, 0].tolist() for name, column in graph_inputs(predictor.preprocessing, rows).items()
    }
    (tmp_path / "cells.json").write_text(json.dumps(cells))
    (tmp_path / "foreign.py").write_text(FOREIGN)
    command = [sys.executable, "foreign.py", str(run / PREDICTOR), "cells.json"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    classes, found, known = json.loads(done.stdout)
    assert classes == ["a", "b"] and not known
    np.testing.assert_allclose(found, predictor.predict_proba(rows), rtol=0, atol=1e-5)


def test_a_file_with_code_in_it_is_refused(run, tmp_path):
    inputs = keras.Input((2,))
    harmful = keras.Model(inputs, keras.layers.Lambda(lambda x: x * 2)(inputs))
    harmful.save(tmp_path / "x.keras")
    import zipfile

    with zipfile.ZipFile(tmp_path / "x.keras", "a") as file:
        file.writestr("gondwana.json", json.dumps(read_notes(run / PREDICTOR)))
    with pytest.raises(ValueError, match=r"Lambda|unsafe|safe"):
        gondwana.load_predictor(tmp_path / "x.keras")
