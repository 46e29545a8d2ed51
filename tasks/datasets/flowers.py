"""Oxford 102 Flower (Nilsback and Zisserman, 2008) by DenseNet-121 embeddings (the paper's transfer task)."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from gondwana.tasks.base import SearchData, Split, Task, TaskInfo
from gondwana.tasks.datasets.readers.embeddings import WIDTH, Embedder
from gondwana.tasks.datasets.readers.flower_images import flower_images, labels_and_splits
from gondwana.tasks.options import check_int
from gondwana.tasks.registry import register
from gondwana.tasks.splits import classification_head, standardization, standardize
from gondwana.tasks.training.augmentation import Augmentation

AUGMENTATION = Augmentation(flip=True, rotation=40.0, shift=0.2, shear=0.2, zoom=0.2)
"""The paper's Appendix C."""


@register("flowers")
@dataclass(frozen=True)
class Flowers(Task):
    """102 kinds of flower, 1,024 numbers per image, split 1,020 / 1,020 / 6,149 as published.

    Images are scaled so that the shorter side is ``image_size``, cut to the central square, and passed once through
    DenseNet-121 without its top and with global average pooling. The embeddings are standardized by the mean and
    standard deviation over all their entries in the training split, so the input mean is 0 and the variance 1. They
    are kept in the data folder (or the user's cache, if that cannot be written), because computing them takes minutes.

    Attributes:
        weights: ``"imagenet"`` (a file in ``flowers102/``, downloaded if there is a network), the path of a weights
            file of ``keras.applications.DenseNet121`` without top, or ``"random"``.
        image_size: side of the square in pixels.
        augmented: how many augmented versions of the training images to embed (flipped, turned up to 40 degrees,
            shifted, sheared and zoomed up to 20 percent); epochs take turns with them.
        seed: seed of the augmentation and of random weights.
    """

    weights: str = "imagenet"
    image_size: int = 224
    augmented: int = 0
    seed: int = 0

    def __post_init__(self) -> None:
        check_int("flowers: option 'image_size'", self.image_size, least=32)
        check_int("flowers: option 'augmented'", self.augmented, least=0)
        check_int("flowers: option 'seed'", self.seed, least=0)
        if not isinstance(self.weights, str) or not self.weights:
            raise ValueError(
                f"flowers: option 'weights' must be 'imagenet', 'random' or a file. Received: {self.weights!r}"
            )

    @property
    def info(self) -> TaskInfo:
        return TaskInfo("flowers", (WIDTH,), (classification_head(102),), options=asdict(self))

    def search_data(self, data_dir: Path | None = None) -> SearchData:
        labels, splits = labels_and_splits(data_dir)
        embedder = Embedder(self.weights, self.seed, data_dir)
        train = self._embedded("train", splits["train"], embedder, data_dir)
        scale = standardization(train)
        validation = self._embedded("validation", splits["validation"], embedder, data_dir)
        variants = tuple(
            standardize(self._embedded("train", splits["train"], embedder, data_dir, version), *scale)
            for version in range(1, self.augmented + 1)
        )
        return SearchData(
            Split(standardize(train, *scale), labels[splits["train"]], variants),
            Split(standardize(validation, *scale), labels[splits["validation"]]),
        )

    def test_data(self, data_dir: Path | None = None) -> Split:
        labels, splits = labels_and_splits(data_dir)
        embedder = Embedder(self.weights, self.seed, data_dir)
        scale = standardization(self._embedded("train", splits["train"], embedder, data_dir))
        test = self._embedded("test", splits["test"], embedder, data_dir)
        return Split(standardize(test, *scale), labels[splits["test"]])

    def _embedded(
        self, split: str, rows: np.ndarray, embedder: Embedder, data_dir: Path | None, version: int = 0
    ) -> np.ndarray:
        """Return the embeddings of a split; version 0 is of the images as they are."""

        def images() -> np.ndarray:
            pixels = flower_images(rows, self.image_size, data_dir)
            if version == 0:
                return pixels
            rng = np.random.default_rng(np.random.SeedSequence(self.seed, spawn_key=(version,)))
            return AUGMENTATION(pixels.astype(np.float32), rng)

        key = f"{split}-{self.image_size}" + (f"-augmented{version}-seed{self.seed}" if version else "")
        return embedder(images, len(rows), key)
