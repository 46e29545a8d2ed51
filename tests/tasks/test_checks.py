"""Wrong data is named before anything is trained."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from gondwana.tasks.base import Head, SearchData, Split, TaskInfo
from gondwana.tasks.checks import WrongDataError, check_search_data, check_split
from gondwana.tasks.splits import classification_head

INFO = TaskInfo("mine", (3,), (classification_head(2),))


def split(rows: int = 6, seed: int = 0) -> Split:
    rng = np.random.default_rng(seed)
    return Split(rng.normal(size=(rows, 3)).astype(np.float32), np.arange(rows, dtype=np.int32) % 2)


def with_x(x: np.ndarray) -> Split:
    return replace(split(), x=x)


def test_good_data_pass_without_a_word():
    assert check_search_data(INFO, SearchData(split(), split(seed=1))) == ()


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (
            with_x(np.full((6, 3), np.nan, np.float32)),
            r"holds 18 numbers that are not finite, the first in row 0: nan",
        ),
        (with_x(np.ones((6, 4), np.float32)), r"x must have the shape \(rows, 3\).*Received: \(6, 4\)"),
        (with_x(np.ones((0, 3), np.float32)), "it has no rows"),
        (with_x(np.full((6, 3), "a")), "x must hold numbers of type float32"),
        (with_x([[1, 2, 3]]), "x must be a NumPy array. Received: list"),
        (replace(split(), y=np.zeros(5, np.int32)), r"as many rows as x, 6. Received: shape \(5,\)"),
        (
            replace(split(), y=np.array([0, 1, 2, 0, 1, 9])),
            r"labels from 0 to 1. Received: 2 in row 2, 2 such labels",
        ),
        (replace(split(), y=np.array([0, 1, -1, 0, 1, 1])), "labels from 0 to 1. Received: -1"),
        (replace(split(), y=np.array([0, 0.5, 1, 0, 1, 1])), "whole numbers, the classes. Received: 0.5"),
        (
            replace(split(), y=np.array([0, np.nan, 1, 0, 1, 1])),
            "target 'output' holds 1 numbers that are not finite",
        ),
        (replace(split(), y=np.array(list("ababab"))), "must hold numbers"),
        (replace(split(), y={"other": np.zeros(6)}), "the targets lack the head 'output'. Received: other"),
        (replace(split(), y=np.zeros((6, 2), np.int32)), "one label a row"),
        ("a split", "must be a Split. Received: str"),
    ],
)
def test_what_is_wrong_with_a_split_is_said(wrong, message):
    with pytest.raises(WrongDataError, match=f"task 'mine', training split.*{message}"):
        check_search_data(INFO, SearchData(wrong, split(seed=1)))


def test_validation_is_looked_at_as_well():
    with pytest.raises(WrongDataError, match="validation split: it has no rows"):
        check_search_data(INFO, SearchData(split(), with_x(np.ones((0, 3), np.float32))))


def test_one_class_is_nothing_to_learn_from():
    one = replace(split(), y=np.zeros(6, np.int32))
    with pytest.raises(WrongDataError, match="all training rows have the class 0"):
        check_search_data(INFO, SearchData(one, split(seed=1)))
    (note,) = check_search_data(INFO, SearchData(split(), replace(split(seed=1), y=np.ones(6, np.int32))))
    assert "all validation rows have the same class 1" in note


def test_rows_in_both_splits_are_suspicious():
    (note,) = check_search_data(INFO, SearchData(split(), split()))
    assert note.startswith("6 of 6 validation rows are also in training")


def test_a_class_that_is_only_in_validation_is_suspicious():
    info = replace(INFO, heads=(classification_head(3),))
    notes = check_search_data(
        info, SearchData(split(), replace(split(seed=1), y=np.array([0, 1, 2, 2, 1, 0])))
    )
    assert any("1 classes of 'output' that no training row has: 2" in note for note in notes)


def test_several_heads_may_lack_labels():
    heads = (classification_head(2, name="a"), classification_head(2, name="b"))
    y = {"a": np.array([0, 1, -1, -1, 0, 1]), "b": np.array([-1, -1, 0, 1, -1, -1])}
    both = replace(split(), y=y)
    assert (
        check_search_data(replace(INFO, heads=heads), SearchData(both, replace(both, x=split(seed=1).x)))
        == ()
    )


def test_token_ids_stay_within_the_vocabulary():
    info = TaskInfo("mine", (3,), (classification_head(2),), input_dtype="int32", vocabulary=10)
    with pytest.raises(WrongDataError, match=r"token ids must be from 0 to 9. Received: 10 to 10"):
        check_split(info, with_x(np.full((6, 3), 10, np.int32)), "test")


def test_a_regression_wants_numbers():
    info = TaskInfo("mine", (3,), (Head("output", 1, "linear", "mean_squared_error", "r2_score", 0.0),))
    check_split(info, replace(split(), y=np.linspace(0, 1, 6)), "test")
    with pytest.raises(WrongDataError, match="must have 1 numbers a row"):
        check_split(info, replace(split(), y=np.zeros((6, 2))), "test")
