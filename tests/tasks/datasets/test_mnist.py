"""MNIST's reader, on tiny files made here."""

from __future__ import annotations

import gzip
import struct

import numpy as np
import pytest

from gondwana import tasks
from gondwana.tasks.datasets.readers.idx import read_idx


def idx_bytes(array: np.ndarray) -> bytes:
    return bytes((0, 0, 8, array.ndim)) + struct.pack(f">{array.ndim}I", *array.shape) + array.tobytes()


def write(path, array: np.ndarray) -> None:
    path.write_bytes(gzip.compress(idx_bytes(array)))


@pytest.fixture
def folder(tmp_path):
    rng = np.random.default_rng(0)
    (tmp_path / "mnist").mkdir()
    for part, n in (("train", 60), ("t10k", 20)):
        write(
            tmp_path / "mnist" / f"{part}-images-idx3-ubyte.gz", rng.integers(0, 256, (n, 28, 28), np.uint8)
        )
        write(tmp_path / "mnist" / f"{part}-labels-idx1-ubyte.gz", (np.arange(n) % 10).astype(np.uint8))
    return tmp_path


def small() -> tasks.Task:
    return tasks.get("mnist", train_size=40, validation_size=10)


def test_splits_are_stratified_and_standardized_on_the_training_rows(folder):
    data = small().search_data(folder)
    assert data.train.x.shape == (40, 28, 28, 1) and data.train.x.dtype == np.float32
    assert np.bincount(data.train.y).tolist() == [4] * 10
    assert np.bincount(data.validation.y).tolist() == [1] * 10
    assert abs(data.train.x.mean(dtype=np.float64)) < 1e-6
    assert abs(data.train.x.var(dtype=np.float64) - 1) < 1e-6


def test_the_test_split_is_the_second_pair_of_files_scaled_like_the_training_split(folder):
    test = small().test_data(folder)
    raw = read_idx(folder / "mnist" / "t10k-images-idx3-ubyte.gz", 3)
    x, y = raw.reshape(-1).astype(np.float64), test.x.reshape(-1).astype(np.float64)
    slope = (y.max() - y.min()) / (x.max() - x.min())
    assert len(test) == 20
    assert np.allclose(y, (x - x.min()) * slope + y.min(), atol=1e-5)


def test_images_as_they_are_become_inputs_by_what_is_kept(folder):
    from gondwana.tasks.datasets.mnist import _read
    from gondwana.tasks.own_data.answers import Answers

    images, labels = _read("t10k", folder)
    test = small().test_data(folder)
    np.testing.assert_array_equal(Answers(small().preprocessing(folder)).inputs(images), test.x)
    np.testing.assert_array_equal(labels, test.y)


def test_the_data_folder_may_come_from_the_environment(folder, monkeypatch):
    monkeypatch.setenv("GONDWANA_DATA", str(folder))
    assert len(small().search_data().train) == 40


def test_more_rows_than_the_file_holds_are_refused(folder):
    with pytest.raises(ValueError, match=r"at most the 60 training images of the file. Received: 55 \+ 10"):
        tasks.get("mnist", train_size=55, validation_size=10).search_data(folder)


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda raw: b"not gzip at all", "damaged or not a gzip file"),
        (lambda raw: raw[: len(raw) // 2], "damaged or not a gzip file"),
        (lambda raw: gzip.compress(gzip.decompress(raw)[:-1]), "announces 47040 entries, but it holds 47039"),
        (
            lambda raw: gzip.compress(gzip.decompress(raw) + b"x"),
            "announces 47040 entries, but it holds more",
        ),
        (
            lambda raw: gzip.compress(b"\0\0\x0d\3" + bytes(12)),
            "not an IDX file of unsigned bytes with 3 axes",
        ),
        (lambda raw: gzip.compress(b"\0\0\x08\3" + b"\xff" * 12), "implausible size"),
        (lambda raw: gzip.compress(b""), "not an IDX file"),
        (lambda raw: gzip.compress(idx_bytes(np.zeros((60, 8, 8), np.uint8))), "expected images of 28 x 28"),
        (lambda raw: gzip.compress(idx_bytes(np.zeros((9, 28, 28), np.uint8))), "9 images, but .* 60 labels"),
    ],
)
def test_a_damaged_file_is_named_with_what_is_wrong(folder, damage, message):
    path = folder / "mnist" / "train-images-idx3-ubyte.gz"
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(tasks.DamagedDataError, match=message) as caught:
        small().search_data(folder)
    assert str(path) in str(caught.value)


def test_a_flipped_bit_in_the_compressed_data_is_noticed(folder):
    path = folder / "mnist" / "train-images-idx3-ubyte.gz"
    raw = bytearray(path.read_bytes())
    raw[len(raw) // 2] ^= 1
    path.write_bytes(bytes(raw))
    with pytest.raises(tasks.DamagedDataError, match="train-images"):
        small().search_data(folder)


def test_a_label_above_9_is_refused(folder):
    write(folder / "mnist" / "train-labels-idx1-ubyte.gz", np.full(60, 10, np.uint8))
    with pytest.raises(tasks.DamagedDataError, match=r"labels must be 0 to 9. Received: 10"):
        small().search_data(folder)
