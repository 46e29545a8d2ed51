"""CIFAR-10 (Krizhevsky, 2009): 60,000 photographs of ten kinds of thing, 32 x 32 (the paper's Sections 4 and 5)."""

from __future__ import annotations

import tarfile
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from gondwana.tasks.base import SearchData, Split, Task, TaskInfo
from gondwana.tasks.data import DamagedDataError, RemoteFile, find, require
from gondwana.tasks.datasets.readers.cifar_batch import read_batch
from gondwana.tasks.options import check_int
from gondwana.tasks.registry import register
from gondwana.tasks.splits import classification_head, draw

FOLDER = "cifar-10-batches-py"
# The sum is the one that torchvision.datasets.CIFAR10 checks (tgz_md5).
ARCHIVE = RemoteFile(
    "cifar-10-python.tar.gz",
    "md5:c58f30108f718f92721af3b95e74349a",
    ("https://www.cs.toronto.edu/~kriz/cifar-10-python.tar.gz",),
)
TRAIN_BATCHES = tuple(f"data_batch_{i}" for i in range(1, 6))
CLASSES = (
    "airplane",
    "automobile",
    "bird",
    "cat",
    "deer",
    "dog",
    "frog",
    "horse",
    "ship",
    "truck",
)
"""As ``batches.meta`` of the published files has them."""


@register("cifar10")
@dataclass(frozen=True)
class Cifar10(Task):
    """Ten classes, 32 x 32 x 3, split 45,000 / 5,000 / 10,000; the test split is the published one.

    Read from the published Python batches, in ``cifar10/cifar-10-batches-py/`` or in
    ``cifar10/cifar-10-python.tar.gz``. Each channel is centred and scaled by its mean and standard deviation over the
    training examples in use, so the input mean is 0 and the variance 1.

    Attributes:
        train_size, validation_size: numbers of examples, drawn from the 50,000 published training images, stratified.
        seed: seed of the split.
    """

    train_size: int = 45_000
    validation_size: int = 5_000
    seed: int = 0

    def __post_init__(self) -> None:
        check_int("cifar10: option 'train_size'", self.train_size, least=1)
        check_int("cifar10: option 'validation_size'", self.validation_size, least=1)
        check_int("cifar10: option 'seed'", self.seed, least=0)

    @property
    def info(self) -> TaskInfo:
        return TaskInfo("cifar10", (32, 32, 3), (classification_head(10),), options=asdict(self))

    def search_data(self, data_dir: Path | None = None) -> SearchData:
        images, labels, train, validation = self._train_rows(data_dir)
        scale = _channel_scale(images[train])
        return SearchData(
            Split(_scaled(images[train], *scale), labels[train]),
            Split(_scaled(images[validation], *scale), labels[validation]),
        )

    def test_data(self, data_dir: Path | None = None) -> Split:
        images, _, train, _ = self._train_rows(data_dir)
        test_images, test_labels = _read(("test_batch",), data_dir)
        return Split(_scaled(test_images, *_channel_scale(images[train])), test_labels)

    def preprocessing(self, data_dir: Path | None = None) -> Mapping[str, Any]:
        """Return how images with pixels from 0 to 255 become inputs."""
        images, _, train, _ = self._train_rows(data_dir)
        mean, deviation = _channel_scale(images[train])
        fitted = {
            "mean": mean.tolist(),
            "deviation": deviation.tolist(),
            "shape": [32, 32, 3],
            "range": [0, 255],
        }
        return {"encoder": None, "input": fitted, "classes": list(CLASSES)}

    def _train_rows(self, data_dir: Path | None) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        images, labels = _read(TRAIN_BATCHES, data_dir)
        if self.train_size + self.validation_size > len(labels):
            raise ValueError(
                f"cifar10: train_size + validation_size must be at most the {len(labels)} published training images. "
                f"Received: {self.train_size} + {self.validation_size}"
            )
        validation, train = draw(labels, (self.validation_size, self.train_size), self.seed)
        return images, labels, train, validation


def _read(names: tuple[str, ...], data_dir: Path | None) -> tuple[np.ndarray, np.ndarray]:
    """Return images (n, 32, 32, 3) uint8 and labels (n,) int32 of these batches, in order."""
    batches = [read_batch(content, path) for path, content in _contents(names, data_dir)]
    data = np.concatenate([pixels for pixels, _ in batches])
    images = data.reshape(-1, 3, 32, 32).transpose(0, 2, 3, 1)
    return images, np.concatenate([labels for _, labels in batches])


def _contents(names: tuple[str, ...], data_dir: Path | None) -> list[tuple[Path, bytes]]:
    paths = [find("cifar10", (f"{FOLDER}/{name}",), data_dir) for name in names]
    present = [path for path in paths if path is not None]
    if len(present) == len(names):
        return [(path, path.read_bytes()) for path in present]
    archive = require("cifar10", ARCHIVE, data_dir)
    try:
        with tarfile.open(archive) as tar:
            files = [tar.extractfile(f"{FOLDER}/{name}") for name in names]
            return [(archive / name, file.read()) for name, file in zip(names, files, strict=True) if file]
    except (tarfile.TarError, EOFError, OSError, KeyError) as error:
        raise DamagedDataError(f"{archive} is damaged ({error}); delete it to get it anew") from error


def _channel_scale(images: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    mean = images.mean(axis=(0, 1, 2), dtype=np.float64)
    deviation = images.std(axis=(0, 1, 2), dtype=np.float64)
    if not deviation.all():
        raise ValueError("cifar10: a channel is constant over the training examples")
    return mean, deviation


def _scaled(images: np.ndarray, mean: np.ndarray, deviation: np.ndarray) -> np.ndarray:
    x = images.astype(np.float32, order="C")
    x -= mean.astype(np.float32)
    x /= deviation.astype(np.float32)
    return x
