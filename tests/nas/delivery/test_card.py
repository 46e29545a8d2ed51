"""Model cards."""

from __future__ import annotations

import hashlib
import json

import keras
import numpy as np
import pytest

from gondwana.nas.delivery.card import write_card
from gondwana.nas.delivery.card_facts import facts
from gondwana.nas.delivery.exporting import Exported
from tests.helpers.delivered import delivered, mixed_table
from tests.nas.delivery.test_exporting import evolved

LABELS = np.where(np.arange(120) % 3 == 0, "a", "b")


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A run on a table whose file is there, with the test figure that its network really has."""
    folder = tmp_path_factory.mktemp("data")
    mixed_table().assign(y=LABELS).to_csv(folder / "rows.csv", index=False)
    from gondwana import tasks
    from gondwana.nas.delivery.predicting import outputs

    found = tasks.get("table", path=str(folder / "rows.csv"), target="y").resolved()
    task = {"name": "table", "options": dict(found.info.options)}
    model = evolved(found.info.input_shape, 2)
    test = found.test_data()
    score = float((outputs(model, test.x).argmax(axis=1) == test.y).mean())
    return delivered(folder / "run", mixed_table(), LABELS, model=model, task=task, test=score), score


def test_the_card_says_what_the_network_is(run):
    path, score = run
    found = facts(path)
    low, high = found["figures"]["interval"]
    assert low < score < high and found["figures"]["method"] == "Wilson, 24 test rows"
    assert found["data"]["rows"] == {"training": 72, "validation": 24, "test": 24}
    rows = path.parent / "rows.csv"
    assert found["data"]["sha256"] == hashlib.sha256(rows.read_bytes()).hexdigest()
    functions = {item["text"]: item for item in found["network"]["activation_functions"]}
    assert functions["gelu(a*x)"]["latex"] and functions["gelu(a*x)"]["parameters"] == 1
    assert found["seeds"]["run"] == 7
    assert found["predicts"] == {"kind": "class", "classes": ["a", "b"]}


def test_it_is_written_for_people_and_programs(run):
    path, score = run
    card = write_card(path)
    text = card.read_text(encoding="utf-8")
    assert card == path / "card.md" and f"{score:.4f}" in text
    assert "one of 2 classes: a, b" in text and "72 training" in text and "`gelu(a*x)`: $" in text
    assert json.loads((path / "card.json").read_text(encoding="utf-8"))["name"] == "delivered"


def test_a_card_beside_an_export_says_how_to_load_it(run, tmp_path):
    inputs = [{"name": "rows", "dtype": "float32", "shape": [2], "form": "numbers", "columns": ["p", "q"]}]
    exported = Exported(tmp_path / "net.onnx", "onnx", "numbers", inputs, True, 1e-7)
    card = write_card(run[0], exported)
    assert card.name == "net.onnx.card.md"
    text = card.read_text(encoding="utf-8")
    assert 'InferenceSession("net.onnx")' in text and "numbers (p, q)" in text
    assert json.loads((tmp_path / "net.onnx.card.json").read_text())["export"]["form"] == "onnx"


def test_without_the_data_there_is_no_interval_and_it_says_why(tmp_path):
    path = delivered(tmp_path / "run", mixed_table(), LABELS)
    found = facts(path)
    assert found["figures"]["interval"] is None and "there is no" in found["figures"]["method"]
    assert found["figures"]["test"] == 0.7 and found["data"]["rows"] is None
    assert "the data are not here" in write_card(path).read_text(encoding="utf-8")


def test_other_test_rows_than_those_of_the_run_give_no_interval(run, tmp_path):
    mixed_table().assign(y=LABELS[::-1]).to_csv(tmp_path / "rows.csv", index=False)
    task = {"name": "table", "options": {"path": str(tmp_path / "rows.csv"), "target": "y"}}
    path = delivered(tmp_path / "run", mixed_table(), LABELS, task=task, test=0.99)
    assert "so they are others" in facts(path)["figures"]["method"]


def test_a_number_has_a_bootstrap_interval(tmp_path):
    from gondwana import tasks
    from gondwana.nas.delivery.predicting import outputs

    value = 4e5 + 1e4 * mixed_table()["age"].fillna(40).to_numpy()
    mixed_table().assign(y=value).to_csv(tmp_path / "rows.csv", index=False)
    found = tasks.get("table", path=str(tmp_path / "rows.csv"), target="y").resolved()
    model = keras.Sequential([keras.Input(found.info.input_shape), keras.layers.Dense(1)])
    test = found.test_data()
    predicted = outputs(model, test.x)[:, 0]
    score = float(1 - np.square(predicted - test.y).mean() / np.var(test.y))
    task = {"name": "table", "options": dict(found.info.options)}
    path = delivered(tmp_path / "run", mixed_table(), value, model=model, task=task, test=score)
    figures = facts(path)["figures"]
    assert figures["interval"][0] < score < figures["interval"][1] and "1000 bootstrap" in figures["method"]
