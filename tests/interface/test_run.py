"""A run as an object, read from its folder."""

from __future__ import annotations

import pandas as pd
import pytest

import gondwana
from gondwana.nas.candidate import Candidate, Outcome, State
from tests.helpers.runs import SECONDS, comparison_config, spec, write_run


def outcome(number: int, fitness: float) -> Outcome:
    return Outcome(number, State.COMPLETED, fitness=fitness, parameters=10, seconds=SECONDS, seed=number)


@pytest.fixture
def run(tmp_path) -> gondwana.Run:
    candidates = [Candidate(number, 0, spec("relu(x)", "autoinit", number), {}) for number in range(3)]
    outcomes = [outcome(number, 0.5 + number / 10) for number in range(3)]
    return gondwana.load_run(write_run(tmp_path / "run", comparison_config(True), candidates, outcomes))


def test_outcomes_are_a_frame(run):
    frame = run.to_frame()
    assert list(frame["fitness"]) == [0.5, 0.6, 0.7] and set(frame["strategy"]) == {"autoinit"}


def test_it_says_what_it_is(run):
    assert "finished, 3 evaluations, best 0.7000" in repr(run)
    html = run._repr_html_()
    assert html.startswith("<table>") and "0.7000" in html and "best accuracy" in html
    assert run.finished and run.config["name"] == "compare" and run.finalists == []


def test_it_is_exported_by_the_ending_of_the_file(run, tmp_path):
    assert len(pd.read_csv(run.export(tmp_path / "all.csv"))) == 3
    assert "\\toprule" in run.export(tmp_path / "all.tex").read_text(encoding="utf-8")
    assert run.export(tmp_path / "all.json").read_text(encoding="utf-8").startswith("[")
    with pytest.raises(ValueError, match=r"\.keras, .*\.csv.*Received: .*all\.doc"):
        run.export(tmp_path / "all.doc")
    with pytest.raises(ValueError, match="no network is saved: none could be trained"):
        run.export(tmp_path / "best.keras")


def test_a_folder_that_is_no_run_is_refused(tmp_path):
    with pytest.raises(ValueError, match="no such run folder"):
        gondwana.load_run(tmp_path / "absent")


def test_the_other_uses_are_one_line_each():
    functions = gondwana.sample_functions(3, seed=1)
    assert len(functions) == 3 and functions == gondwana.sample_functions(3, seed=1)
    found = gondwana.compare({"a": [0.1, 0.2, 0.3, 0.4], "b": [0.6, 0.7, 0.8, 0.9]})
    assert len(found.pairs) == 1 and found.verdicts()


def test_a_network_is_initialized_in_one_line():
    import keras
    import numpy as np

    model = keras.Sequential([keras.Input((8,)), keras.layers.Dense(64, "relu"), keras.layers.Dense(2)])
    same = gondwana.initialize(model, "autoinit", seed=1)
    assert same is model
    first = [np.array(weight) for weight in model.get_weights()]
    again = gondwana.initialize(model, "autoinit", seed=1).get_weights()
    assert all((a == b).all() for a, b in zip(first, again, strict=True))
