"""CIFAR-10's reader, on tiny batches written here in the published layout."""

from __future__ import annotations

import io
import struct
import tarfile

import numpy as np
import pytest

from gondwana import tasks


def string(value: bytes) -> bytes:
    return (
        b"U" + bytes([len(value)]) + value
        if len(value) < 256
        else b"T" + struct.pack("<I", len(value)) + value
    )


def batch_bytes(data: np.ndarray, labels: list[int]) -> bytes:
    """A batch in pickle protocol 2 as Python 2 and NumPy 1.6 wrote it."""
    n = len(data)
    return b"".join(
        [
            b"\x80\x02}q\x01(",
            string(b"labels"),
            b"]q\x02(" + b"".join(b"K" + bytes([label]) for label in labels) + b"e",
            string(b"data"),
            b"cnumpy.core.multiarray\n_reconstruct\nq\x03cnumpy\nndarray\nq\x04K\x00\x85U\x01b\x87Rq\x05",
            b"(K\x01M"
            + struct.pack("<H", n)
            + b"M\x00\x0c\x86cnumpy\ndtype\nq\x06U\x02u1K\x00K\x01\x87Rq\x07",
            b"(K\x03U\x01|NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb\x89",
            string(data.tobytes()),
            b"tb",
            b"u.",
        ]
    )


NAMES = [*(f"data_batch_{i}" for i in range(1, 6)), "test_batch"]


@pytest.fixture
def batches() -> dict[str, bytes]:
    rng = np.random.default_rng(0)
    return {
        name: batch_bytes(rng.integers(0, 256, (20, 3072), np.uint8), [i % 10 for i in range(20)])
        for name in NAMES
    }


@pytest.fixture
def folder(tmp_path, batches):
    path = tmp_path / "cifar10" / "cifar-10-batches-py"
    path.mkdir(parents=True)
    for name, content in batches.items():
        (path / name).write_bytes(content)
    return tmp_path


def small() -> tasks.Task:
    return tasks.get("cifar10", train_size=60, validation_size=20)


def test_splits_are_stratified_and_every_channel_is_standardized(folder):
    data = small().search_data(folder)
    assert data.train.x.shape == (60, 32, 32, 3) and data.train.x.flags.c_contiguous
    assert np.bincount(data.validation.y).tolist() == [2] * 10
    assert np.allclose(data.train.x.mean((0, 1, 2), dtype=np.float64), 0, atol=1e-6)
    assert np.allclose(data.train.x.var((0, 1, 2), dtype=np.float64), 1, atol=1e-5)


def test_pixels_come_out_by_row_column_and_channel(folder):
    test = small().test_data(folder)
    raw = np.random.default_rng(0).integers(
        0, 256, (5, 20, 3072), np.uint8
    )  # consumed by the five training batches
    rng = np.random.default_rng(0)
    for _ in range(6):
        raw = rng.integers(0, 256, (20, 3072), np.uint8)
    expected = raw.reshape(20, 3, 32, 32).transpose(0, 2, 3, 1).astype(float)
    for channel in range(3):
        correlation = np.corrcoef(expected[..., channel].ravel(), test.x[..., channel].ravel())[0, 1]
        assert correlation == pytest.approx(1.0, abs=1e-6)


def test_images_as_they_are_become_inputs_by_what_is_kept(folder):
    from gondwana.tasks.datasets.cifar10 import _read
    from gondwana.tasks.own_data.answers import Answers

    images, _ = _read(("test_batch",), folder)
    kept = small().preprocessing(folder)
    np.testing.assert_allclose(Answers(kept).inputs(images), small().test_data(folder).x, rtol=0, atol=1e-6)
    assert kept["classes"][0] == "airplane" and len(kept["classes"]) == 10


def test_the_published_archive_is_read_without_unpacking(tmp_path, folder, batches):
    expected = small().search_data(folder)
    packed = tmp_path / "packed"
    (packed / "cifar10").mkdir(parents=True)
    with tarfile.open(packed / "cifar10" / "cifar-10-python.tar.gz", "w:gz") as tar:
        for name, content in batches.items():
            member = tarfile.TarInfo(f"cifar-10-batches-py/{name}")
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
    found = small().search_data(packed)
    assert np.array_equal(found.train.x, expected.train.x)
    assert [p.name for p in (packed / "cifar10").iterdir()] == ["cifar-10-python.tar.gz"]


def test_a_call_in_a_batch_is_not_made(folder, tmp_path):
    marker = tmp_path / "executed"
    evil = b"cos\nsystem\n(S'touch " + str(marker).encode() + b"'\ntR."
    (folder / "cifar10" / "cifar-10-batches-py" / "data_batch_3").write_bytes(evil)
    with pytest.raises(tasks.DamagedDataError, match=r"data_batch_3 is not a published CIFAR-10 batch"):
        small().search_data(folder)
    assert not marker.exists()


@pytest.mark.parametrize(
    "damage",
    [
        lambda raw: raw[: len(raw) // 2],
        lambda raw: b"",
        lambda raw: b"\x80\x02}.",
        lambda raw: batch_bytes(np.zeros((20, 3072), np.uint8), [3] * 19),
        lambda raw: batch_bytes(np.zeros((20, 3072), np.uint8), [10] * 20),
        lambda raw: b"\x80\x02]q\x01.",
    ],
)
def test_a_damaged_batch_is_named(folder, damage):
    path = folder / "cifar10" / "cifar-10-batches-py" / "data_batch_2"
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(tasks.DamagedDataError, match="data_batch_2"):
        small().search_data(folder)


def test_a_damaged_archive_is_named(tmp_path):
    (tmp_path / "cifar10").mkdir()
    (tmp_path / "cifar10" / "cifar-10-python.tar.gz").write_bytes(b"no archive")
    with pytest.raises(tasks.DamagedDataError, match=r"cifar-10-python.tar.gz is damaged"):
        small().search_data(tmp_path)
