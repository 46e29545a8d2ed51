"""The estimators keep scikit-learn's contract, and learn from rows as people have them."""

from __future__ import annotations

import pickle
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.model_selection import cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import check_estimator

import gondwana
from tests.helpers import ROOT

pytestmark = pytest.mark.slow

TINY = {
    "generations": 1,
    "search": {
        "population": {"blueprints": 1, "modules": 1},
        "evaluations": 1,
        "species": {"blueprints": 1, "modules": 1},
    },
    "training": {"epochs": 20, "learning_rate": 0.005},
}

EXCEPTIONS: dict[str, str] = {}
"""Checks of scikit-learn that are not passed, with the reason. There are none."""


@pytest.mark.parametrize("kind", [gondwana.NetworkClassifier, gondwana.NetworkRegressor])
def test_scikit_learns_own_checks_pass(kind):
    results = check_estimator(kind(**TINY), on_fail=None, on_skip=None, expected_failed_checks=EXCEPTIONS)
    assert len(results) > 40
    failed = {item["check_name"]: item["exception"] for item in results if item["status"] == "failed"}
    assert failed == {}
    skipped = {item["check_name"] for item in results if item["status"] == "skipped"}
    assert skipped <= {"check_array_api_input"}, "which wants SCIPY_ARRAY_API in the environment"


def test_a_table_with_empty_cells_and_text_is_learned(table):
    x, y = table
    model = gondwana.NetworkClassifier(generations=1, training={"epochs": 40}).fit(x, y)
    assert model.score(x, y) > 0.85
    assert list(model.classes_) == ["in", "out"] and model.n_features_in_ == 3
    assert list(model.feature_names_in_) == ["size", "colour", "day"]
    assert "colour: category (3: blue, green, red), with empty cells" in model.columns_
    more = x.copy()
    more["colour"] = "never seen"
    assert np.isfinite(model.predict_proba(more)).all()


def test_a_pickle_and_a_saved_file_hold_the_whole_network(table, tmp_path):
    x, y = table
    model = gondwana.NetworkClassifier(**TINY).fit(x, y)
    expected = model.predict_proba(x)
    (tmp_path / "model.pickle").write_bytes(pickle.dumps(model))
    x.to_pickle(tmp_path / "rows.pickle")
    code = "import pickle, sys, numpy as np, pandas as pd\nfrom pathlib import Path\n"
    code += "model = pickle.loads(Path(sys.argv[1]).read_bytes())\n"
    code += "np.save(sys.argv[3], model.predict_proba(pd.read_pickle(sys.argv[2])))\n"
    files = [str(tmp_path / name) for name in ("model.pickle", "rows.pickle", "answer.npy")]
    subprocess.run([sys.executable, "-c", code, *files], cwd=ROOT, check=True, timeout=120)
    np.testing.assert_allclose(np.load(tmp_path / "answer.npy"), expected, atol=1e-6)
    assert gondwana.load_network(model.save(tmp_path / "network.keras")).output_shape == (None, 2)
    whole = gondwana.load_predictor(model.save(tmp_path / "whole.keras", preprocessing=True))
    np.testing.assert_allclose(whole.predict_proba(x), expected, atol=1e-5)
    assert list(whole.predict(x)) == list(model.predict(x)) and whole.classes == ["in", "out"]


def test_an_ensemble_averages_its_members(table):
    x, y = table
    search = {**TINY["search"], "population": {"blueprints": 3, "modules": 2}}
    model = gondwana.NetworkClassifier(**{**TINY, "search": search}, ensemble_size=2).fit(x, y)
    inputs = np.zeros((4, *model.network_.input_shape[1:]), np.float32)
    members = [layer for layer in model.network_.layers if layer.name.startswith("member_")]
    assert len(members) == 2
    mean = np.mean([np.asarray(member(inputs)) for member in members], axis=0)
    np.testing.assert_allclose(np.asarray(model.network_(inputs)), mean, atol=1e-6)


def test_equal_seeds_give_equal_networks_and_a_clone_is_unfitted(table):
    x, y = table
    first = gondwana.NetworkClassifier(**TINY, seed=3).fit(x, y)
    again = clone(first)
    assert not hasattr(again, "classes_") and again.get_params() == first.get_params()
    np.testing.assert_array_equal(again.fit(x, y).predict_proba(x), first.predict_proba(x))


def test_it_works_in_pipelines_and_cross_validation():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(90, 4))
    y = 3 * x[:, 0] + rng.normal(size=90) * 0.1
    model = make_pipeline(
        StandardScaler(),
        gondwana.NetworkRegressor(**{**TINY, "training": {"epochs": 60, "learning_rate": 0.01}}),
    )
    assert cross_val_score(model, x, y, cv=2).mean() > 0.7


def test_images_and_lists_of_text_are_learned():
    rng = np.random.default_rng(0)
    images = rng.normal(size=(40, 6, 6))
    images[::2, :3] += 2
    model = gondwana.NetworkClassifier(**TINY).fit(images, np.arange(40) % 2)
    assert model.network_.input_shape == (None, 6, 6, 1) and model.predict(images).shape == (40,)
    words = [
        " ".join(rng.choice(["fine", "good", "nice"] if n % 2 else ["bad", "poor", "awful"], 4))
        for n in range(60)
    ]
    model = gondwana.NetworkClassifier(**{**TINY, "training": {"epochs": 30, "learning_rate": 0.01}})
    assert model.fit(words, np.arange(60) % 2).score(words, np.arange(60) % 2) > 0.9


def test_the_run_is_kept_where_it_is_wanted(table, tmp_path):
    x, y = table
    model = gondwana.NetworkClassifier(**TINY, run_dir=tmp_path / "run").fit(x, y)
    run = gondwana.load_run(tmp_path / "run")
    np.testing.assert_allclose(run.predict_proba(x), model.predict_proba(x), atol=1e-6)
    assert run.classes == ["in", "out"] and list(run.predict(x)) == list(model.predict(x))
    assert gondwana.load_predictor(tmp_path / "run" / "predictor.keras").classes == ["in", "out"]
    with pytest.raises(ValueError, match="holds a run already"):
        gondwana.NetworkClassifier(**TINY, run_dir=tmp_path / "run").fit(x, y)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"ensemble_size": 0}, "ensemble_size must be a whole number of at least 1. Received: 0"),
        ({"validation_fraction": 1.5}, "validation_fraction must be between 0 and 1. Received: 1.5"),
        ({"time_budget": "soon"}, "must be seconds, or a duration"),
        ({"generations": 0}, "generations"),
        ({"initialization": "autoinnit"}, "autoinnit"),
        ({"search": {"kind": "codeepneat", "popluation": 3}}, "popluation"),
    ],
)
def test_a_wrong_parameter_is_refused_when_fitting(options, message, table):
    with pytest.raises(ValueError, match=message):
        gondwana.NetworkClassifier(**{**TINY, **options}).fit(*table)


def test_wrong_rows_are_refused_in_one_line(table):
    x, y = table
    for rows, labels, message in (
        (x, y.where(y.index > 3), "empty in some rows"),
        (x, ["in"] * len(x), "one class, 'in', in all rows"),
        (x, y[:-1], "inconsistent numbers of samples"),
        (x.assign(size=x["size"].where(x.index > 0, np.inf)), y, "column 'size', row 0: an infinite number"),
        (pd.DataFrame({"a": ["x"] * len(x)}), y, "no column of the table is of use: a: constant"),
    ):
        with pytest.raises(ValueError, match=message) as caught:
            gondwana.NetworkClassifier(**TINY).fit(rows, labels)
        assert len(str(caught.value).splitlines()) == 1


def test_a_time_budget_is_kept(table):
    import time

    begin = time.monotonic()
    gondwana.NetworkClassifier(time_budget=12, training={"epochs": 5}).fit(*table)
    assert time.monotonic() - begin < 45
