"""Random changes of training images, drawn anew for every example of every epoch."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

import numpy as np
from scipy import ndimage

from gondwana.tasks.options import check_bool, check_int, check_names, check_number


@dataclass(frozen=True, slots=True)
class Augmentation:
    """Kinds and ranges of the random changes of training images; the default changes nothing.

    Attributes:
        flip: mirror left and right with probability 1/2.
        crop: pad by so many zeros on all sides and cut out the original size at random (0 is the mean of standardized
            images). All-CNN-C uses 5, the residual networks 4 (the paper's Appendix B).
        rotation: largest angle in degrees.
        shift: largest displacement, as a fraction of height and width.
        shear: largest shear, tangent of the angle.
        zoom: scale between ``1 - zoom`` and ``1 + zoom``, for height and width alike.
    """

    flip: bool = False
    crop: int = 0
    rotation: float = 0.0
    shift: float = 0.0
    shear: float = 0.0
    zoom: float = 0.0

    def __post_init__(self) -> None:
        check_bool("augmentation: 'flip'", self.flip)
        check_int("augmentation: 'crop'", self.crop, least=0)
        check_number("augmentation: 'rotation'", self.rotation, low=0.0, high=180.0)
        for name in ("shift", "shear", "zoom"):
            check_number(f"augmentation: {name!r}", getattr(self, name), low=0.0, high=0.9)

    @classmethod
    def from_json(cls, data: Augmentation | Mapping[str, Any]) -> Augmentation:
        """Return the augmentation of a JSON object.

        Raises:
            ValueError: for an unknown key or a value out of range.
        """
        if isinstance(data, Augmentation):
            return data
        if not isinstance(data, Mapping):
            raise ValueError(f"'augmentation' must be an object such as {{'flip': true}}. Received: {data!r}")
        check_names("key of augmentation", data, [f.name for f in fields(cls)])
        return cls(**data)

    def to_json(self) -> dict[str, Any]:
        """Inverse of :meth:`from_json`."""
        return asdict(self)

    def __call__(self, images: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Return changed copies of images (n, height, width, channels), same shape and dtype.

        Raises:
            ValueError: if the examples are not images.
        """
        if images.ndim != 4:
            raise ValueError(
                f"augmentation needs images (height, width, channels). Received examples of shape {images.shape[1:]}"
            )
        if self.rotation or self.shift or self.shear or self.zoom:
            images = np.stack([self._affine(image, rng) for image in images])
        if self.crop:
            images = _crop(images, self.crop, rng)
        if self.flip:
            mirrored = rng.random(len(images)) < 0.5
            images = np.where(mirrored[:, None, None, None], images[:, :, ::-1], images)
        return np.ascontiguousarray(images)

    def _affine(self, image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        angle, shear = math.radians(rng.uniform(-1, 1) * self.rotation), rng.uniform(-1, 1) * self.shear
        scale = rng.uniform(1 - self.zoom, 1 + self.zoom)
        size = np.array(image.shape[:2])
        move = rng.uniform(-1, 1, 2) * self.shift * size
        rotate = np.array([[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]])
        matrix = rotate @ np.array([[1.0, shear], [0.0, 1.0]]) / scale  # from output to input coordinates
        center = (size - 1) / 2
        offset = center - matrix @ (center + move)
        planes = [
            ndimage.affine_transform(image[..., channel], matrix, offset, order=1, mode="nearest")
            for channel in range(image.shape[2])
        ]
        return np.stack(planes, axis=-1)


def _crop(images: np.ndarray, padding: int, rng: np.random.Generator) -> np.ndarray:
    count, height, width, _ = images.shape
    padded = np.pad(images, ((0, 0), (padding, padding), (padding, padding), (0, 0)))
    windows = np.lib.stride_tricks.sliding_window_view(padded, (height, width), axis=(1, 2))
    top, left = rng.integers(0, 2 * padding + 1, (2, count))
    cut: np.ndarray = windows[np.arange(count), top, left]
    return cut.transpose(0, 2, 3, 1)
