from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from gondwana import tasks
from gondwana.tasks.own_data.answers import Answers
from gondwana.tasks.training.fit import score, train
from gondwana.tasks.training.recipe import Recipe
from tests.helpers.networks import dense_network

TRIPS = "survived,sex,age,fare,deck,when,note,id,always"


@pytest.fixture
def csv(tmp_path):
    rng = np.random.default_rng(0)
    height, kind = rng.normal(170, 10, 100), rng.choice(["a", "b"], 100)
    price = 3 * height + 100 * (kind == "b") + rng.normal(0, 1, 100)
    rows = [
        f"{h:.3f},{k},{p:.3f},{'dear' if p > 560 else 'cheap'}"
        for h, k, p in zip(height, kind, price, strict=True)
    ]
    (tmp_path / "goods.csv").write_text("\n".join(["height,kind,price,label", *rows]))
    return tmp_path


COLUMNS = {"path": "goods.csv", "numeric": ["height"], "categorical": {"kind": ["a", "b"]}}


def test_a_table_with_classes_can_be_learned(csv):
    task = tasks.get("table", **COLUMNS, target="label", classes=["cheap", "dear"])
    data = task.search_data(csv)
    x = data.train.x
    assert x.shape == (60, 3) and abs(x.mean()) < 1e-6 and abs(x.var() - 1) < 1e-5
    model = dense_network(task.info)
    train(model, data, task.info, Recipe(epochs=40, batch_size=8, learning_rate=0.02), 0)
    assert score(model, task.test_data(csv), task.info)["fitness"] >= 0.9


def test_a_table_with_a_numeric_target_is_a_regression_scored_by_r_squared(csv):
    task = tasks.get("table", **COLUMNS, target="price")
    data = task.search_data(csv)
    assert abs(data.train.y.mean()) < 1e-6 and data.train.y.dtype == np.float32
    model = dense_network(task.info)
    before = score(model, data.validation, task.info)["fitness"]
    train(model, data, task.info, Recipe(epochs=40, batch_size=8, learning_rate=0.02), 0)
    assert before < 0.9 < score(model, data.validation, task.info)["fitness"] <= 1.0


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"target": "label", "classes": ["cheap", "dear!"]}, r"line \d+: column 'label' must hold one of"),
        ({"target": "label"}, r"line 2: column 'label' must hold finite numbers. Received: '(cheap|dear)'"),
        ({"target": "weight"}, "weight"),
        ({"target": "height"}, "must not be among the input columns"),
        ({"target": "price", "path": "no.csv"}, "there is no"),
    ],
)
def test_what_is_wrong_with_a_table_is_said(csv, options, message):
    with pytest.raises(ValueError, match=message):
        tasks.get("table", **{**COLUMNS, **options}).search_data(csv)


@pytest.fixture
def trips(tmp_path) -> Path:
    """A table as people have it: nothing declared, cells missing, a text target."""
    rng = np.random.default_rng(0)
    rows = [TRIPS]
    for number in range(200):
        sex, age = rng.choice(["male", "female"]), rng.integers(1, 80)
        deck = rng.choice(["A", "B", "C"]) if rng.random() < 0.5 else ""
        survived = "yes" if (sex == "female") != (rng.random() < 0.1) else "no"
        note = " ".join(rng.choice(["calm", "rough", "cold", "late", "early", "long"], 4))
        when = f"{1 + number % 28:02d}.{1 + number % 12:02d}.{2000 + number % 7}"
        shown = "" if rng.random() < 0.2 else str(age)
        rows.append(f"{survived},{sex},{shown},{rng.lognormal():.2f},{deck},{when},{note},k{number},1")
    (tmp_path / "trips.csv").write_text("\n".join(rows) + "\n", encoding="utf-8")
    return tmp_path


def test_a_table_needs_nothing_but_its_target(trips):
    task = tasks.get("table", path="trips.csv", target="survived").resolved(trips)
    kinds = {name: column["kind"] for name, column in task.schema.items()}
    assert kinds == {
        "sex": "category",
        "age": "number",
        "fare": "number",
        "deck": "category",
        "when": "date",
        "note": "text",
        "id": "identifier",
        "always": "constant",
    }
    assert task.classes == ("no", "yes")
    assert "target survived: class (2: no, yes)" in task.describe()
    assert "id: identifier (not used)" in task.describe()
    data, test = task.search_data(trips), task.test_data(trips)
    assert [len(s) for s in (data.train, data.validation, test)] == [120, 40, 40]
    assert data.train.x.shape[1:] == task.info.input_shape
    assert abs(data.train.x.mean()) < 1e-3 and abs(data.train.x.var() - 1) < 1e-2
    model = dense_network(task.info)
    train(model, data, task.info, Recipe(epochs=10, batch_size=8, learning_rate=0.01), 0)
    assert score(model, test, task.info)["fitness"] >= 0.7


def test_what_was_inferred_is_written_into_the_options_and_read_back(trips):
    task = tasks.get("table", path="trips.csv", target="survived").resolved(trips)
    options = json.loads(json.dumps(dict(task.info.options)))
    again = tasks.get("table", **options)
    (trips / "trips.csv").rename(trips / "moved.csv")
    assert again.info.input_shape == task.info.input_shape, "without a look at the file"
    (trips / "moved.csv").rename(trips / "trips.csv")
    assert again.resolved(trips) is again
    np.testing.assert_array_equal(again.search_data(trips).train.x, task.search_data(trips).train.x)


def test_inputs_are_in_the_order_of_the_file_whatever_the_order_of_the_record(trips):
    """A store keeps what was inferred with sorted keys; a network would get other inputs by it."""
    task = tasks.get("table", path="trips.csv", target="survived").resolved(trips)
    options = task.options()
    schema = dict(sorted(options["schema"].items()))
    assert list(schema) != list(options["schema"])
    again = tasks.get("table", **{**options, "schema": schema})
    np.testing.assert_array_equal(again.test_data(trips).x, task.test_data(trips).x)
    assert list(again.preprocessing(trips)["encoder"]["columns"]) == list(options["schema"])


def test_everything_inferred_can_be_overridden(trips):
    columns = {"id": "category", "note": "drop", "deck": {"kind": "category", "categories": ["A", "B"]}}
    task = tasks.get("table", path="trips.csv", target="survived", columns=columns).resolved(trips)
    assert task.schema["id"]["kind"] == "category" and task.schema["note"]["kind"] == "drop"
    assert task.schema["deck"] == {
        "kind": "category",
        "categories": ["A", "B"],
        "missing": True,
        "other": True,
    }
    with pytest.raises(ValueError, match=r"unknown column of .*'dek'. Did you mean 'deck'"):
        tasks.get("table", path="trips.csv", target="survived", columns={"dek": "drop"}).resolved(trips)
    with pytest.raises(ValueError, match="unknown kind of column 'deck' 'categroy'"):
        tasks.get("table", path="trips.csv", target="survived", columns={"deck": "categroy"}).resolved(trips)


def test_declared_columns_may_have_empty_cells_and_unlisted_categories(trips):
    declared = {
        "path": "trips.csv",
        "target": "survived",
        "numeric": ["age"],
        "categorical": {"deck": ["A", "B"]},
    }
    task = tasks.get("table", **declared).resolved(trips)
    assert set(task.schema) == {"age", "deck"}, "only what was named is used"
    assert task.search_data(trips).train.x.shape == (120, 2 + 4)


def test_kinds_and_lists_of_columns_can_be_said_together(trips):
    said = {"numeric": ["age"], "columns": {"deck": {"kind": "category", "categories": ["A"]}}}
    task = tasks.get("table", path="trips.csv", target="survived", **said)
    resolved = task.resolved(trips)
    assert set(resolved.schema) == {"age", "deck"}
    assert resolved.info.input_shape == task.search_data(trips).train.x.shape[1:]


def test_a_table_that_is_as_declared_is_as_it_was(csv):
    task = tasks.get("table", **COLUMNS, target="label", classes=["cheap", "dear"])
    assert task.resolved(csv) is task
    assert not {"columns", "predict", "schema"} & set(task.info.options), "nor do its candidates' keys change"
    answers = Answers(task.preprocessing(csv))
    cells = pd.read_csv(csv / "goods.csv", dtype=str)
    encoded = answers.inputs(cells)
    data = task.search_data(csv)
    found = {tuple(np.round(row, 4)) for row in encoded}
    assert all(tuple(np.round(row, 4)) in found for row in data.train.x)


def test_nothing_of_validation_or_test_rows_is_learned_from(trips):
    task = tasks.get("table", path="trips.csv", target="survived")
    lines = (trips / "trips.csv").read_text(encoding="utf-8").splitlines()
    resolved = task.resolved(trips)
    train = {line.split(",")[7] for line in lines[1:]} - _ids_outside_training(task, trips, lines)
    changed = [
        line
        if line.split(",")[7] in train
        else ",".join([line.split(",")[0], "other", "1e6", "9", "Z", *line.split(",")[5:]])
        for line in lines[1:]
    ]
    (trips / "trips.csv").write_text("\n".join([lines[0], *changed]) + "\n", encoding="utf-8")
    again = tasks.get("table", path="trips.csv", target="survived").resolved(trips)
    assert again.schema == resolved.schema
    assert again.preprocessing(trips) == resolved.preprocessing(trips)


def _ids_outside_training(task, folder, lines) -> set[str]:
    from gondwana.tasks.own_data.files import three_ways

    labels = np.array([line.startswith("yes") for line in lines[1:]], int)
    test, validation, _ = three_ways(labels, 0)
    return {lines[1 + row].split(",")[7] for row in [*test, *validation]}


def test_a_number_with_fractions_is_a_regression(csv):
    task = tasks.get("table", path="goods.csv", target="price").resolved(csv)
    assert task.info.heads[0].metric == "r2_score"
    answers = Answers(task.preprocessing(csv))
    raw = pd.read_csv(csv / "goods.csv")["price"]
    assert abs(answers.answers(np.zeros((1, 1)))[0] - raw.mean()) < 0.2 * raw.std()


def test_another_separator_is_found(trips):
    text = (trips / "trips.csv").read_text(encoding="utf-8").replace(",", ";")
    (trips / "trips.csv").write_text(text, encoding="utf-8")
    assert tasks.get("table", path="trips.csv", target="survived").resolved(trips).separator == ";"


def test_the_rows_of_a_rare_class_are_all_in_training(tmp_path):
    rows = ["x,y", *(f"{number},{'ab'[number % 2]}" for number in range(40)), "1,c"]
    (tmp_path / "t.csv").write_text("\n".join(rows), encoding="utf-8")
    task = tasks.get("table", path="t.csv", target="y", columns={"x": "number"}).resolved(tmp_path)
    assert task.classes == ("a", "b", "c")
    assert (task.search_data(tmp_path).train.y == 2).sum() == 1


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "No columns to parse|empty"),
        ("x,y\n", "nothing to tell apart|at least 5"),
        ("x,y\n" + "1,a\n" * 30, "the same value 'a' in all rows"),
        ("x,y\n" + "1,a\n2,b\n" * 30 + "3,\n", "empty in 1 of 61 rows, first in line 62"),
        ("x,y\n" + "1,a\n1,b\n" * 30, "no column of the table is of use: x: constant"),
        ("x,y\n" + "".join(f"1,{n}name\n" for n in range(30)), "too many to be classes"),
        ("x,z\n1,a\n", "unknown column 'y'"),
        ("x,y\n" + "inf,a\n1,b\n" * 30, "column 'x', row 0: an infinite number"),
        ("x,y\n1,a\n1,b,c\n" * 10, "Expected 2 fields"),
    ],
)
def test_a_table_that_cannot_be_learned_is_refused_in_a_line(tmp_path, text, message):
    (tmp_path / "t.csv").write_text(text, encoding="utf-8")
    with pytest.raises(ValueError, match=message) as caught:
        tasks.get("table", path="t.csv", target="y").resolved(tmp_path)
    assert "\n" not in str(caught.value).strip()


def test_a_file_in_another_encoding_is_refused(tmp_path):
    (tmp_path / "t.csv").write_bytes("x,y\n1,über\n".encode("cp1252"))
    with pytest.raises(ValueError, match="is not UTF-8; save the file"):
        tasks.get("table", path="t.csv", target="y").resolved(tmp_path)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"path": 3}, "option 'path' must be text. Received: 3"),
        ({"target": ["a"]}, r"option 'target' must be text. Received: \['a'\]"),
        ({"separator": 1}, "option 'separator' must be text"),
        ({"categorical": ["a"]}, "option 'categorical' must be a mapping"),
        ({"categorical": {"a": "b"}}, "option 'categorical.a' must be a list"),
        ({"numeric": "a"}, "option 'numeric' must be a list"),
        ({"columns": ["a"]}, "option 'columns' must be a mapping"),
        ({"predict": "price"}, "unknown value of option 'predict'"),
    ],
)
def test_options_of_a_wrong_type_are_refused(options, message):
    with pytest.raises(ValueError, match=message):
        tasks.get("table", **{"path": "t.csv", "target": "y", **options})
