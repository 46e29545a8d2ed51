"""Embeddings of images by DenseNet-121 (Huang et al., 2017), computed once and kept."""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from gondwana.tasks.data import DamagedDataError, MissingDataError, RemoteFile, data_root, require
from gondwana.tasks.datasets.readers.flower_images import FOLDER

WIDTH = 1024
"""Numbers per image."""

# Address and sum are those of keras.applications.densenet (include_top=False).
IMAGENET = RemoteFile(
    "densenet121_weights_tf_dim_ordering_tf_kernels_notop.h5",
    "md5:30ee3e1110167f948a6b9946edeeb738",
    (
        "https://storage.googleapis.com/tensorflow/keras-applications/densenet/"
        "densenet121_weights_tf_dim_ordering_tf_kernels_notop.h5",
    ),
)
BATCH = 32


class Embedder:
    """Turns images into embeddings.

    Args:
        weights: ``"imagenet"``, ``"random"``, or the path of a weights file.
        seed: seed of random weights.
        data_dir: where weights are looked for and embeddings are kept.

    Raises:
        MissingDataError: if the weights are neither there nor to be had; the message names ``weights: random``.
    """

    def __init__(self, weights: str, seed: int, data_dir: Path | None) -> None:
        self._data_dir, self._seed = data_dir, seed
        self._file = None if weights == "random" else _weights_file(weights, data_dir)
        self._key = f"random{seed}" if self._file is None else _checksum(self._file)[:16]

    def __call__(self, images: Callable[[], np.ndarray], count: int, key: str) -> np.ndarray:
        """Return the embeddings (count, 1024) float32 of images, which are asked for only if none are kept.

        Args:
            images: returns (count, side, side, 3), values 0 to 255.
            count: their number.
            key: what they are, part of a file's name.
        """
        name = f"{key}-{self._key}.npy"
        folders = [
            data_root(self._data_dir) / FOLDER / "embeddings",
            data_root_of_user() / FOLDER / "embeddings",
        ]
        for folder in folders:
            if (folder / name).is_file():
                return _kept(folder / name, count)
        result = self._embed(images())
        for folder in folders:
            try:
                _keep(folder / name, result)
                break
            except OSError:  # a data folder may well be read-only
                continue
        return result

    def _embed(self, images: np.ndarray) -> np.ndarray:
        import keras  # only here: nothing is embedded when embeddings are kept, and importing keras takes seconds

        from gondwana.tasks.training.loops import predict

        model = keras.applications.DenseNet121(
            include_top=False, weights=None, pooling="avg", input_shape=images.shape[1:]
        )
        if self._file is not None:
            try:
                model.load_weights(self._file)
            except (ValueError, OSError, KeyError) as error:
                raise DamagedDataError(
                    f"{self._file} does not hold the weights of DenseNet-121: {error}"
                ) from error
        else:
            _randomize(model.weights, self._seed)
        parts = []
        for start in range(0, len(images), 10 * BATCH):
            part = images[start : start + 10 * BATCH].astype(np.float32)
            parts.append(predict(model, keras.applications.densenet.preprocess_input(part), BATCH)[0])
        return np.concatenate(parts)


def data_root_of_user() -> Path:
    """Return the data folder in the user's cache, whatever the environment says."""
    import pooch

    return Path(pooch.os_cache("gondwana"))


def _weights_file(weights: str, data_dir: Path | None) -> Path:
    if weights != "imagenet":
        path = Path(weights).expanduser()
        if not path.is_file():
            raise MissingDataError(f"flowers: option 'weights': there is no file {path}")
        return path
    try:
        return require(FOLDER, IMAGENET, data_dir)
    except MissingDataError as error:
        raise MissingDataError(
            f"{error}, or set the task's option 'weights' to a file, or to 'random' to do without ImageNet"
        ) from error


def _randomize(weights: Sequence[Any], seed: int) -> None:
    """Draw all kernels by He's rule from ``seed``; normalization layers stay the identity."""
    rng = np.random.default_rng(np.random.SeedSequence(seed))
    for weight in weights:
        if weight.name == "kernel":
            fan_in = int(np.prod(weight.shape[:-1]))
            weight.assign(rng.normal(0.0, np.sqrt(2.0 / fan_in), weight.shape).astype(np.float32))


def _checksum(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _kept(path: Path, count: int) -> np.ndarray:
    try:
        result = np.load(path, allow_pickle=False)
    except (ValueError, OSError, EOFError) as error:
        raise DamagedDataError(f"{path} is damaged ({error}); delete it") from error
    if result.shape != (count, WIDTH):
        raise DamagedDataError(
            f"{path}: expected shape {(count, WIDTH)}. Received: {result.shape}; delete it"
        )
    return np.asarray(result, np.float32)


def _keep(path: Path, array: np.ndarray) -> None:
    """Write a file whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=path.parent, suffix=".tmp")
    try:
        with os.fdopen(handle, "wb") as file:
            np.save(file, array, allow_pickle=False)
        os.replace(temporary, path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
