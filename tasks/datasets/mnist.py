"""MNIST (LeCun, Cortes and Burges): 70,000 handwritten digits, 28 x 28 (the paper's vision task, Appendix C)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from gondwana.tasks.base import SearchData, Split, Task, TaskInfo
from gondwana.tasks.data import DamagedDataError, RemoteFile, require
from gondwana.tasks.datasets.readers.idx import read_idx
from gondwana.tasks.options import check_int
from gondwana.tasks.registry import register
from gondwana.tasks.splits import classification_head, draw, images_to_classes, standardization, standardize

MIRRORS = (
    "https://ossci-datasets.s3.amazonaws.com/mnist/",
    "https://storage.googleapis.com/cvdf-datasets/mnist/",
)
MD5 = {
    "train-images-idx3-ubyte.gz": "f68b3c2dcbeaaa9fbdd348bbdeb94873",
    "train-labels-idx1-ubyte.gz": "d53e105ee54ea40749a09fcbcd1e9432",
    "t10k-images-idx3-ubyte.gz": "9fb629c4189551a2d022fa330f9573f3",
    "t10k-labels-idx1-ubyte.gz": "ec29112dd5afa0611ce80d1b7f02629c",
}
"""Checksums of the published .gz files, for downloads (as torchvision.datasets.MNIST has them). A file that is already
there may be packed differently."""


@register("mnist")
@dataclass(frozen=True)
class Mnist(Task):
    """Ten digits, 28 x 28 x 1, split 55,000 / 5,000 / 10,000; the test split is the published one.

    The validation split is drawn from the 60,000 published training images, stratified; a smaller ``train_size``
    takes a stratified part of the rest. Pixels are standardized by the mean and standard deviation over all pixels of
    the training examples in use, so the input mean is 0 and the variance 1.

    Attributes:
        train_size, validation_size: numbers of examples.
        seed: seed of the split.
    """

    train_size: int = 55_000
    validation_size: int = 5_000
    seed: int = 0

    def __post_init__(self) -> None:
        check_int("mnist: option 'train_size'", self.train_size, least=1)
        check_int("mnist: option 'validation_size'", self.validation_size, least=1)
        check_int("mnist: option 'seed'", self.seed, least=0)

    @property
    def info(self) -> TaskInfo:
        # The best constant answer is digit 1: 6,742 of the 60,000 images, and the splits are stratified.
        return TaskInfo(
            "mnist", (28, 28, 1), (classification_head(10, chance=6_742 / 60_000),), options=asdict(self)
        )

    def search_data(self, data_dir: Path | None = None) -> SearchData:
        images, labels, train, validation = self._train_rows(data_dir)
        scale = standardization(images[train])
        return SearchData(
            Split(standardize(images[train], *scale), labels[train]),
            Split(standardize(images[validation], *scale), labels[validation]),
        )

    def test_data(self, data_dir: Path | None = None) -> Split:
        images, _, train, _ = self._train_rows(data_dir)
        scale = standardization(images[train])
        test_images, test_labels = _read("t10k", data_dir)
        return Split(standardize(test_images, *scale), test_labels)

    def preprocessing(self, data_dir: Path | None = None) -> Mapping[str, Any]:
        """Return how images with pixels from 0 to 255 become inputs."""
        images, _, train, _ = self._train_rows(data_dir)
        return images_to_classes(images[train], range(10))

    def _train_rows(self, data_dir: Path | None) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        images, labels = _read("train", data_dir)
        if self.train_size + self.validation_size > len(labels):
            raise ValueError(
                f"mnist: train_size + validation_size must be at most the {len(labels)} training images of the file. "
                f"Received: {self.train_size} + {self.validation_size}"
            )
        validation, train = draw(labels, (self.validation_size, self.train_size), self.seed)
        return images, labels, train, validation


def _read(part: str, data_dir: Path | None) -> tuple[np.ndarray, np.ndarray]:
    """Return images (n, 28, 28, 1) uint8 and labels (n,) int32 of ``"train"`` or ``"t10k"``."""
    paths = [
        require(
            "mnist",
            RemoteFile(name, f"md5:{MD5[name]}", tuple(mirror + name for mirror in MIRRORS)),
            data_dir,
        )
        for name in (f"{part}-images-idx3-ubyte.gz", f"{part}-labels-idx1-ubyte.gz")
    ]
    images, labels = read_idx(paths[0], 3), read_idx(paths[1], 1)
    if images.shape[1:] != (28, 28):
        raise DamagedDataError(f"{paths[0]}: expected images of 28 x 28. Received: {images.shape[1:]}")
    if len(images) != len(labels):
        raise DamagedDataError(
            f"{paths[0]} holds {len(images)} images, but {paths[1].name} {len(labels)} labels"
        )
    if len(labels) and labels.max() > 9:
        raise DamagedDataError(f"{paths[1]}: labels must be 0 to 9. Received: {labels.max()}")
    return images[..., np.newaxis], labels.astype(np.int32)
