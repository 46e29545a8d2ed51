from __future__ import annotations

import numpy as np
import pytest

from gondwana import tasks
from gondwana.tasks.own_data.answers import Answers


@pytest.fixture
def file(tmp_path):
    rng = np.random.default_rng(0)
    x = rng.normal(5, 2, size=(100, 3))
    x[::9, 1] = np.nan
    np.savez(tmp_path / "a.npz", x=x, y=np.where(x[:, 0] > 5, 7, 3))
    return tmp_path


def test_shape_and_classes_are_inferred(file):
    task = tasks.get("arrays", path="a.npz").resolved(file)
    assert task.info.input_shape == (4,), "three numbers and one indicator"
    assert task.classes == 2 and task.resolved(file) is task
    data, test = task.search_data(file), task.test_data(file)
    assert [len(s) for s in (data.train, data.validation, test)] == [60, 20, 20]
    assert np.isfinite(data.train.x).all() and abs(data.train.x.mean()) < 1e-5
    assert set(Answers(task.preprocessing(file)).answers(np.eye(2))) == {3, 7}


def test_a_file_that_changes_is_noticed(file):
    task = tasks.get("arrays", path="a.npz").resolved(file)
    np.savez(file / "a.npz", x=np.ones((5, 3)), y=np.arange(5))
    with pytest.raises(ValueError, match="has changed since the run began"):
        task.search_data(file)


def test_named_splits_are_kept_and_images_get_a_channel(tmp_path):
    rng = np.random.default_rng(0)
    parts = {"train": 30, "validation": 10}
    images = {f"x_{name}": rng.integers(0, 255, (n, 5, 6)).astype(np.uint8) for name, n in parts.items()}
    labels = {f"y_{name}": rng.normal(100, 9, n) for name, n in parts.items()}
    np.savez(tmp_path / "a.npz", **images, **labels)
    task = tasks.get("arrays", path="a.npz").resolved(tmp_path)
    assert task.info.input_shape == (5, 6, 1) and task.info.heads[0].metric == "r2_score"
    data = task.search_data(tmp_path)
    assert (len(data.train), len(data.validation), len(task.test_data(tmp_path))) == (30, 10, 0)
    answers = Answers(task.preprocessing(tmp_path))
    np.testing.assert_allclose(answers.inputs(images["x_train"]), data.train.x, atol=1e-6)
    np.testing.assert_allclose(answers.answers(data.train.y[:, None]), labels["y_train"], rtol=1e-5)
    with pytest.raises(
        ValueError, match=r"inputs must have the shape \(rows, 5, 6, 1\). Received: \(2, 4, 6\)"
    ):
        answers.inputs(np.zeros((2, 4, 6)))


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"a": np.zeros(3)}, "it must hold x and y, or x_train.*Received: a"),
        (
            {"x": np.zeros((20, 2, 2)), "y": np.arange(20) % 2},
            "all entries of the training examples are equal",
        ),
        ({"x": np.ones((20, 2)), "y": np.arange(20) % 2}, "all training rows are equal"),
        ({"x": np.full((20, 2, 2, 1), np.nan), "y": np.arange(20) % 2}, "not finite"),
        ({"x": np.zeros((20, 2), complex), "y": np.arange(20) % 2}, "complex numbers"),
        (
            {"x": np.zeros((20, 2)), "y": np.zeros((20, 2))},
            r"one value for each row. Received: shape \(20, 2\)",
        ),
    ],
)
def test_arrays_that_cannot_be_learned_are_refused(tmp_path, arrays, message):
    np.savez(tmp_path / "a.npz", **arrays)
    with pytest.raises(ValueError, match=message):
        tasks.get("arrays", path="a.npz").resolved(tmp_path)


def test_a_file_that_is_no_array_file_is_refused(tmp_path):
    (tmp_path / "a.npz").write_text("no arrays", encoding="utf-8")
    with pytest.raises(ValueError, match=r"a\.npz cannot be read as an \.npz file"):
        tasks.get("arrays", path="a.npz").resolved(tmp_path)
    np.save(tmp_path / "objects.npy", np.array([{}], object))
    with pytest.raises(ValueError, match="option 'predict' of task 'arrays'"):
        tasks.get("arrays", path="a.npz", predict="x")
