"""The section on the best network's answers: confusions, residuals, worst rows, and nothing of theirs is markup."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from gondwana.nas.report.data.answers import answers_of, picture
from gondwana.nas.report.data.run_data import RunData
from gondwana.nas.report.page.page import Figures
from gondwana.nas.report.report import load_run
from gondwana.nas.report.sections.answers import answers
from gondwana.tasks.base import Head, Split, TaskInfo
from tests.helpers.runs import HOSTILE
from tests.nas.report.test_report import Document

CLASSES = Head("c", 3, "softmax", "sparse_categorical_crossentropy", "accuracy", 1 / 3)
MANY = Head("c", 30, "softmax", "sparse_categorical_crossentropy", "accuracy", 1 / 30)
BINARY = Head("b", 1, "sigmoid", "binary_crossentropy", "accuracy", 0.5)
NUMBER = Head("n", 1, "linear", "mean_squared_error", "r2", 0.0, (10.0, 2.0))
LABELS = Head("l", 2, "sigmoid", "binary_crossentropy", "accuracy", 0.5)


def of(head: Head, y: np.ndarray, output: np.ndarray, names: list | None = None) -> dict:
    info = TaskInfo("made", (2,), (head,))
    (found,) = answers_of(info, Split(np.zeros((len(y), 2), np.float32), y), [output], names)
    return found


def test_confusions_are_counted_and_the_worst_row_has_the_least_share_for_its_truth() -> None:
    output = np.array([[0.8, 0.1, 0.1], [0.7, 0.2, 0.1], [0.1, 0.5, 0.4], [0.0, 0.1, 0.9]])
    found = of(CLASSES, np.array([0, 1, 2, 2]), output, ["a", "b", "c"])
    assert found["matrix"] == [[1, 0, 0], [1, 0, 0], [0, 1, 1]]
    assert found["classes"] == ["a", "b", "c"]
    assert found["pairs"] == [["b", "a", 1], ["c", "b", 1]]
    assert found["worst"][0] == {
        "row": 1,
        "truth": "b",
        "answer": "a",
        "certainty": 0.7,
        "wrong": True,
        "picture": None,
    }


def test_one_output_is_two_classes_and_many_classes_have_no_matrix() -> None:
    found = of(BINARY, np.array([0, 1, 1]), np.array([[0.1], [0.9], [0.2]]))
    assert found["matrix"] == [[1, 0], [1, 1]]
    assert "matrix" not in of(MANY, np.arange(30), np.eye(30)[::-1])


def test_residuals_are_in_the_units_from_before() -> None:
    found = of(NUMBER, np.array([0.0, 1.0]), np.array([[0.5], [1.0]]))
    assert found["points"] == [[10.0, 11.0], [12.0, 12.0]]
    assert found["bias"] == 0.5
    assert found["worst"][0]["row"] == 0


def test_labels_are_counted_one_by_one() -> None:
    found = of(LABELS, np.array([[1, 0], [1, 0], [0, 1]]), np.array([[0.9, 0.1], [0.1, 0.9], [0.9, 0.9]]))
    assert found["labels"] == [["0", 1, 1, 1], ["1", 1, 0, 1]]


@pytest.mark.parametrize(
    ("shape", "drawn"), [((8, 8, 1), True), ((8, 8, 3), True), ((8,), False), ((500, 9, 1), False)]
)
def test_small_pictures_are_shown(shape: tuple[int, ...], drawn: bool) -> None:
    found = picture(np.random.default_rng(0).normal(size=shape))
    assert (found is not None) == drawn
    assert found is None or found.startswith("data:image/png;base64,")


def test_the_section_shows_each_kind_and_no_markup_of_names(evolution: Path) -> None:
    heads = [
        of(CLASSES, np.array([0, 1, 2]), np.eye(3)[[1, 1, 2]], [HOSTILE, "b", "c"]),
        of(NUMBER, np.array([0.0, 1.0]), np.array([[0.5], [1.0]])),
        of(LABELS, np.array([[1, 0], [0, 1]]), np.array([[0.9, 0.1], [0.1, 0.9]])),
    ]
    run = load_run(evolution)
    shown = Figures()
    markup = str(answers(with_answers(run, heads), shown))
    document = Document(markup)
    assert "Confusion matrix" in document.text and "false alarms" in document.text
    assert len(shown) == 1
    assert not [tag for tag, _ in document.elements if tag in {"img", "script"}]
    assert str(answers(run, shown)) == ""


def with_answers(run: RunData, heads: list) -> RunData:
    return replace(run, analysis={"rows": 3, "all_rows": 30, "answers": heads})
