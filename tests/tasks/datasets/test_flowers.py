"""Flowers, on a dozen coloured squares; DenseNet-121 is replaced by the mean colour except in one test."""

from __future__ import annotations

import io
import tarfile
import zipfile

import numpy as np
import pooch
import pytest
from PIL import Image
from scipy.io import savemat

from gondwana import tasks
from gondwana.tasks.datasets.readers import embeddings
from gondwana.tasks.datasets.readers.flower_images import flower_images

SPLITS = {"trnid": [1, 4, 7, 10], "valid": [2, 5, 8], "tstid": [3, 6, 9, 11, 12]}
LABELS = [1, 1, 1, 2, 2, 2, 3, 3, 3, 102, 102, 102]


def jpeg(number: int) -> bytes:
    ramp = np.linspace(-8, 8, 48).reshape(-1, 1, 1)  # darker at the top, so that turning and shifting show
    pixels = np.broadcast_to(20 * number + ramp, (48, 64, 3)).astype(np.uint8).copy()
    pixels[:, :4] = 255  # outside of the central square
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "JPEG", quality=95)
    return buffer.getvalue()


@pytest.fixture
def folder(tmp_path, monkeypatch):
    def mean_colours(self, images: np.ndarray) -> np.ndarray:
        calls.append(len(images))
        return np.repeat(images.mean((1, 2)), 342, axis=1)[:, :1024].astype(np.float32)

    calls: list[int] = []
    monkeypatch.setattr(embeddings.Embedder, "_embed", mean_colours)
    monkeypatch.setattr(embeddings, "data_root_of_user", lambda: tmp_path / "user")
    path = tmp_path / "flowers102"
    path.mkdir()
    savemat(path / "imagelabels.mat", {"labels": np.array([LABELS])})
    savemat(path / "setid.mat", {key: np.array([rows]) for key, rows in SPLITS.items()})
    with zipfile.ZipFile(path / "102flowers_128.zip", "w") as archive:
        for number in range(1, 13):
            archive.writestr(f"jpg/image_{number:05d}.jpg", jpeg(number))
    return tmp_path, calls


def random_flowers(**options: object) -> tasks.Task:
    return tasks.get("flowers", weights="random", image_size=32, **options)


def test_splits_and_labels_are_the_published_ones(folder):
    path, _ = folder
    task = random_flowers()
    data, test = task.search_data(path), task.test_data(path)
    assert data.train.y.tolist() == [0, 1, 2, 101]
    assert data.validation.y.tolist() == [0, 1, 2]
    assert test.y.tolist() == [0, 1, 2, 101, 101]
    assert data.train.x.shape == (4, 1024) and abs(data.train.x.mean()) < 1e-5
    assert (np.diff(data.train.x[:, 0]) > 0).all(), "images are in the order of their labels"


def test_embeddings_are_computed_once_and_kept(folder):
    path, calls = folder
    first = random_flowers().search_data(path)
    assert calls == [4, 3]
    again = random_flowers().search_data(path)
    assert calls == [4, 3]
    assert np.array_equal(first.train.x, again.train.x)
    random_flowers(seed=1).search_data(path)
    assert calls == [4, 3, 4, 3], "other random weights are other embeddings"


def test_a_data_folder_that_cannot_be_written_is_no_obstacle(folder, monkeypatch):
    path, calls = folder
    (path / "flowers102" / "embeddings").write_text("in the way")
    random_flowers().search_data(path)
    random_flowers().search_data(path)
    assert calls == [4, 3]
    assert len(list((path / "user" / "flowers102" / "embeddings").glob("*.npy"))) == 2


def test_a_damaged_file_of_embeddings_is_named(folder):
    path, _ = folder
    random_flowers().search_data(path)
    for file in (path / "flowers102" / "embeddings").iterdir():
        file.write_bytes(b"nonsense")
    with pytest.raises(tasks.DamagedDataError, match=r"\.npy is damaged .*; delete it"):
        random_flowers().search_data(path)


def test_augmented_versions_differ_and_are_decided_by_the_seed(folder):
    path, _ = folder
    one, same = (random_flowers(augmented=2).search_data(path).train for _ in range(2))
    assert len(one.variants) == 2
    assert not np.array_equal(one.variants[0], one.x)
    assert not np.array_equal(one.variants[0], one.variants[1])
    assert np.array_equal(one.variants[1], same.variants[1])


@pytest.mark.parametrize("layout", ["jpg", "tgz"])
def test_the_unpacked_folder_and_the_published_archive_give_the_same_images(folder, layout):
    path, _ = folder
    rows = np.array([3, 0, 11])
    expected = flower_images(rows, 32, path)
    (path / "flowers102" / "102flowers_128.zip").unlink()
    if layout == "jpg":
        (path / "flowers102" / "jpg").mkdir()
        for number in range(1, 13):
            (path / "flowers102" / "jpg" / f"image_{number:05d}.jpg").write_bytes(jpeg(number))
    else:
        with tarfile.open(path / "flowers102" / "102flowers.tgz", "w:gz") as tar:
            for number in range(1, 13):
                member = tarfile.TarInfo(f"jpg/image_{number:05d}.jpg")
                member.size = len(jpeg(number))
                tar.addfile(member, io.BytesIO(jpeg(number)))
    assert np.array_equal(flower_images(rows, 32, path), expected)


def test_images_are_the_central_square(folder):
    path, _ = folder
    image = flower_images(np.array([4]), 32, path)[0]
    assert image.shape == (32, 32, 3)
    assert abs(image.astype(int) - 100).max() < 12, "the white border is cut away"


def test_a_missing_image_and_a_damaged_archive_are_named(folder):
    path, _ = folder
    with pytest.raises(tasks.DamagedDataError, match=r"lacks 1 of 1 images"):
        flower_images(np.array([12]), 32, path)
    (path / "flowers102" / "102flowers_128.zip").write_bytes(b"no archive")
    with pytest.raises(tasks.DamagedDataError, match=r"is damaged"):
        flower_images(np.array([1]), 32, path)


def test_splits_that_overlap_are_refused(folder):
    path, _ = folder
    savemat(path / "flowers102" / "setid.mat", {**SPLITS, "valid": [1, 2]})
    with pytest.raises(tasks.DamagedDataError, match="must be disjoint"):
        random_flowers().search_data(path)


def test_without_imagenet_weights_the_task_refuses_and_names_the_way_out(folder, monkeypatch):
    def no_network(timeout):
        def download(url, output, source):
            raise OSError("no network")

        return download

    monkeypatch.setattr(pooch, "HTTPDownloader", no_network)
    with pytest.raises(tasks.MissingDataError, match=r"densenet121.* is missing .*'weights' .*'random'"):
        tasks.get("flowers").search_data(folder[0])
    with pytest.raises(tasks.MissingDataError, match=r"there is no file /nowhere.h5"):
        tasks.get("flowers", weights="/nowhere.h5").search_data(folder[0])


@pytest.mark.slow
def test_random_densenet_embeddings_are_finite_differ_between_images_and_repeat():
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (3, 32, 32, 3), np.uint8)
    one, same = (embeddings.Embedder("random", 5, None)._embed(images) for _ in range(2))
    assert one.shape == (3, embeddings.WIDTH) and np.isfinite(one).all()
    assert np.array_equal(one, same)
    assert np.abs(one[0] - one[1]).max() > 1e-3
