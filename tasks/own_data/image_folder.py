"""A user's own data: a folder of images, described by the options of a config."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from gondwana.tasks.base import SearchData, Split, Task, TaskInfo
from gondwana.tasks.data import DamagedDataError, MissingDataError
from gondwana.tasks.options import check_int
from gondwana.tasks.own_data.files import check_classes, located, three_ways
from gondwana.tasks.registry import register
from gondwana.tasks.splits import classification_head, images_to_classes, standardization, standardize

SUFFIXES = frozenset({".png", ".jpg", ".jpeg", ".bmp", ".gif", ".webp"})


@register("image_folder")
@dataclass(frozen=True)
class ImageFolder(Task):
    """Classification of images that lie in one folder per class, split 60 / 20 / 20 percent, stratified.

    Images are resized, and standardized by the mean and standard deviation over all pixels of the training split.

    Attributes:
        path: the folder, absolute or relative to the data folder.
        classes: names of its subfolders, one per class; others are not looked at.
        size: height and width to which images are resized.
        color: three channels if true, one (gray) if false.
        seed: seed of the split.
    """

    path: str
    classes: Sequence[str]
    size: int = 32
    color: bool = True
    seed: int = 0

    def __post_init__(self) -> None:
        check_classes("image_folder", self.classes)
        check_int("image_folder: option 'size'", self.size, least=2)
        check_int("image_folder: option 'seed'", self.seed, least=0)

    @property
    def info(self) -> TaskInfo:
        shape = (self.size, self.size, 3 if self.color else 1)
        options = asdict(self) | {"classes": list(self.classes)}
        return TaskInfo("image_folder", shape, (classification_head(len(self.classes)),), options=options)

    def search_data(self, data_dir: Path | None = None) -> SearchData:
        _, validation, train = self._splits(data_dir)
        return SearchData(train, validation)

    def test_data(self, data_dir: Path | None = None) -> Split:
        return self._splits(data_dir)[0]

    def preprocessing(self, data_dir: Path | None = None) -> Mapping[str, Any]:
        """Return how images with pixels from 0 to 255, of the size that they are resized to, become inputs."""
        images, _, parts = self._read(data_dir)
        return images_to_classes(images[parts[2]], self.classes)

    def _splits(self, data_dir: Path | None) -> list[Split]:
        images, labels, parts = self._read(data_dir)
        scale = standardization(images[parts[2]])
        return [Split(standardize(images[rows], *scale), labels[rows]) for rows in parts]

    def _read(self, data_dir: Path | None) -> tuple[np.ndarray, np.ndarray, list[np.ndarray]]:
        """Return images as they are, labels, and the rows of the test, validation and training splits."""
        root = located("image_folder", self.path, data_dir)
        files = [
            (file, label)
            for label, name in enumerate(self.classes)
            for file in sorted((root / name).glob("*"))
            if file.suffix.lower() in SUFFIXES
        ]
        labels = np.array([label for _, label in files], np.int32)
        empty = [name for label, name in enumerate(self.classes) if not (labels == label).any()]
        if empty:
            raise MissingDataError(
                f"image_folder: no images in {root / empty[0]} (looked for {sorted(SUFFIXES)})"
            )
        shape = self.info.input_shape
        images = np.stack([read_image(file, shape) for file, _ in files])
        return images, labels, three_ways(labels, self.seed)


def read_image(file: Path, shape: Sequence[int]) -> np.ndarray:
    """Return an image file as bytes of this shape (height, width, channels), resized. Raises DamagedDataError."""
    from PIL import Image

    height, width, channels = shape
    try:
        with Image.open(file) as image:
            converted = image.convert("RGB" if channels == 3 else "L").resize((width, height))
    except OSError as error:  # includes what is no image at all
        raise DamagedDataError(f"{file} cannot be read as an image: {error}") from error
    return np.asarray(converted, np.uint8).reshape(height, width, -1)
