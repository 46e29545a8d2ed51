"""The files of Oxford 102 Flower: images, labels and the published splits."""

from __future__ import annotations

import io
import tarfile
import zipfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from PIL import Image, UnidentifiedImageError
from scipy.io import loadmat
from scipy.io.matlab import MatReadError

from gondwana.tasks.data import DamagedDataError, RemoteFile, find, require

FOLDER = "flowers102"
# The sums are those that torchvision.datasets.Flowers102 checks (_file_dict).
HOME = "https://www.robots.ox.ac.uk/~vgg/data/flowers/102/"
LABELS = RemoteFile("imagelabels.mat", "md5:e0620be6f572b9609742df49c70aed4d", (f"{HOME}imagelabels.mat",))
SPLITS = RemoteFile("setid.mat", "md5:a5357ecc9cb78c4bef273ce3793fc85c", (f"{HOME}setid.mat",))
ARCHIVE = RemoteFile("102flowers.tgz", "md5:52808999861908f626f3c1f4e79d11fa", (f"{HOME}102flowers.tgz",))
ALTERNATIVES = ("jpg", "102flowers.zip", "102flowers_128.zip")
"""Also accepted, in this order: the unpacked folder, and zip archives with ``jpg/image_00001.jpg`` and so on."""
_KEYS = {"train": "trnid", "validation": "valid", "test": "tstid"}


def labels_and_splits(data_dir: Path | None) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """Return the label (0..101) of every image and, by split, its images; images are numbered from 0.

    Raises:
        MissingDataError, DamagedDataError: if the two files are not there, or not what they should be.
    """
    labels = _matrix(require(FOLDER, LABELS, data_dir), "labels").astype(np.int32) - 1
    path = require(FOLDER, SPLITS, data_dir)
    splits = {name: _matrix(path, key).astype(np.int64) - 1 for name, key in _KEYS.items()}
    together = np.concatenate(list(splits.values()))
    if len(set(together)) != len(together) or together.min() < 0 or together.max() >= len(labels):
        raise DamagedDataError(
            f"{path}: the splits must be disjoint and number the {len(labels)} labelled images"
        )
    if labels.min() < 0 or labels.max() > 101:
        raise DamagedDataError(f"{FOLDER}/{LABELS.name}: labels must be 1 to 102")
    return labels, splits


def flower_images(rows: np.ndarray, size: int, data_dir: Path | None) -> np.ndarray:
    """Return these images as (n, size, size, 3) uint8: shorter side scaled to ``size``, central square.

    Raises:
        MissingDataError, DamagedDataError: if an image is not there or cannot be read.
    """
    path = find(FOLDER, ALTERNATIVES, data_dir) or require(FOLDER, ARCHIVE, data_dir)
    position = {f"image_{row + 1:05d}.jpg": index for index, row in enumerate(rows)}
    images = np.zeros((len(rows), size, size, 3), np.uint8)
    seen = 0
    try:
        for name, content in _contents(path, set(position)):
            images[position[name]] = _square(content, size)
            seen += 1
    except (zipfile.BadZipFile, tarfile.TarError, UnidentifiedImageError, OSError, EOFError) as error:
        raise DamagedDataError(f"{path} is damaged ({error}); delete it to get it anew") from error
    if seen != len(rows):
        raise DamagedDataError(f"{path} lacks {len(rows) - seen} of {len(rows)} images")
    return images


def _contents(path: Path, wanted: set[str]) -> Iterator[tuple[str, bytes]]:
    if path.is_dir():
        for name in sorted(wanted):
            if (path / name).is_file():
                yield name, (path / name).read_bytes()
    elif path.suffix == ".zip":
        with zipfile.ZipFile(path) as archive:
            for member in archive.namelist():
                if Path(member).name in wanted:
                    yield Path(member).name, archive.read(member)
    else:
        with tarfile.open(path) as tar:
            for entry in tar:
                file = tar.extractfile(entry) if Path(entry.name).name in wanted else None
                if file is not None:
                    yield Path(entry.name).name, file.read()


def _square(content: bytes, size: int) -> np.ndarray:
    with Image.open(io.BytesIO(content)) as image:
        rgb = image.convert("RGB")
        side = min(rgb.size)
        left, top = (rgb.width - side) // 2, (rgb.height - side) // 2
        box = (left, top, left + side, top + side)
        return np.asarray(rgb.resize((size, size), Image.Resampling.BILINEAR, box=box, reducing_gap=2.0))


def _matrix(path: Path, key: str) -> np.ndarray:
    try:
        values: np.ndarray = loadmat(path)[key]
        return values.reshape(-1)
    except (KeyError, ValueError, TypeError, OSError, MatReadError) as error:
        raise DamagedDataError(f"{path} is not a MATLAB file with {key!r}: {error}") from error
