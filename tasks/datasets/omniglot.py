"""Omniglot (Lake, Salakhutdinov and Tenenbaum, 2015): one task per alphabet (the paper's multi-task problem)."""

from __future__ import annotations

import io
import zipfile
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from PIL import Image, UnidentifiedImageError

from gondwana.tasks.base import Head, SearchData, Split, Task, TaskInfo
from gondwana.tasks.data import DamagedDataError, RemoteFile, require
from gondwana.tasks.datasets.readers.omniglot_alphabets import ALPHABETS, head_name
from gondwana.tasks.options import check_int
from gondwana.tasks.registry import register
from gondwana.tasks.splits import classification_head, standardization, standardize

# The sums are those that torchvision.datasets.Omniglot checks (zips_md5).
MIRROR = "https://raw.githubusercontent.com/brendenlake/omniglot/master/python/"
ARCHIVES = {
    "background": RemoteFile(
        "images_background.zip", "md5:68d2efa1b9178cc56df9314c21c6e718", (f"{MIRROR}images_background.zip",)
    ),
    "evaluation": RemoteFile(
        "images_evaluation.zip", "md5:6b91aef0f799c5bb55b94e3f2daec811", (f"{MIRROR}images_evaluation.zip",)
    ),
}
DRAWINGS = 20
"""Drawings of each character."""
SPLIT = (10, 4, 6)
"""Of these, for training, validation and test: 50, 20 and 30 percent."""


@register("omniglot")
@dataclass(frozen=True)
class Omniglot(Task):
    """Which character of its alphabet is it? One head per alphabet; fitness is the mean accuracy over alphabets.

    Each image belongs to one alphabet and has no label (-1) for the other heads. Of every character's 20 drawings, 10
    are for training, 4 for validation and 6 for test. Pixels are standardized by the mean and standard deviation over
    all pixels of the training split, so the input mean is 0 and the variance 1.

    Attributes:
        alphabets: how many of the 50 alphabets, drawn by ``seed``.
        size: height and width to which the 105 x 105 images are reduced by averaging.
        seed: seed of the choice of alphabets and of the split.
    """

    alphabets: int = 20
    size: int = 105
    seed: int = 0

    def __post_init__(self) -> None:
        check_int("omniglot: option 'alphabets'", self.alphabets, least=1)
        check_int("omniglot: option 'size'", self.size, least=8)
        check_int("omniglot: option 'seed'", self.seed, least=0)
        if self.alphabets > len(ALPHABETS):
            raise ValueError(
                f"omniglot: option 'alphabets' must be at most {len(ALPHABETS)}. Received: {self.alphabets}"
            )
        if self.size > 105:
            raise ValueError(f"omniglot: option 'size' must be at most 105. Received: {self.size}")

    @property
    def chosen(self) -> tuple[str, ...]:
        """Names of the alphabets in use, sorted."""
        rng = np.random.default_rng(np.random.SeedSequence(self.seed))
        return tuple(sorted(rng.choice(sorted(ALPHABETS), self.alphabets, replace=False).tolist()))

    @property
    def info(self) -> TaskInfo:
        heads = tuple(
            classification_head(ALPHABETS[name].characters, name=head_name(name)) for name in self.chosen
        )
        return TaskInfo("omniglot", (self.size, self.size, 1), heads, options=asdict(self))

    def search_data(self, data_dir: Path | None = None) -> SearchData:
        train, validation, _ = self._splits(data_dir)
        return SearchData(train, validation)

    def test_data(self, data_dir: Path | None = None) -> Split:
        return self._splits(data_dir)[2]

    def _splits(self, data_dir: Path | None) -> tuple[Split, ...]:
        rng = np.random.default_rng(np.random.SeedSequence(self.seed, spawn_key=(1,)))
        heads = self.info.heads
        images: list[list[np.ndarray]] = [[], [], []]
        rows: list[list[tuple[int, int]]] = [[], [], []]  # head and character of each image
        for head, name in enumerate(self.chosen):
            drawings = _alphabet(name, self.size, data_dir)
            bounds = np.cumsum((0, *SPLIT))
            for character, of_character in enumerate(drawings):
                order = rng.permutation(DRAWINGS)
                for split in range(3):
                    taken = np.sort(order[bounds[split] : bounds[split + 1]])
                    images[split].append(of_character[taken])
                    rows[split].extend([(head, character)] * len(taken))
        stacked = [np.concatenate(part)[..., np.newaxis] for part in images]
        scale = standardization(stacked[0])
        return tuple(
            Split(standardize(x, *scale), _targets(heads, np.array(part)))
            for x, part in zip(stacked, rows, strict=True)
        )


def _targets(heads: tuple[Head, ...], rows: np.ndarray) -> np.ndarray | dict[str, np.ndarray]:
    targets = {
        head.name: np.where(rows[:, 0] == index, rows[:, 1], -1).astype(np.int32)
        for index, head in enumerate(heads)
    }
    return targets if len(heads) > 1 else targets[heads[0].name]


def _alphabet(name: str, size: int, data_dir: Path | None) -> np.ndarray:
    """Return the drawings of an alphabet, (characters, 20, size, size), ink 1 and paper 0."""
    part = ALPHABETS[name].part
    path = require("omniglot", ARCHIVES[part], data_dir)
    prefix = f"images_{part}/{name}/"
    try:
        with zipfile.ZipFile(path) as archive:
            members = sorted(m for m in archive.namelist() if m.startswith(prefix) and m.endswith(".png"))
            expected = ALPHABETS[name].characters * DRAWINGS
            if len(members) != expected:
                raise DamagedDataError(
                    f"{path}: expected {expected} images under {prefix}. Received: {len(members)}"
                )
            drawings = [_drawing(archive.read(member), size) for member in members]
    except (zipfile.BadZipFile, UnidentifiedImageError, OSError, EOFError) as error:
        raise DamagedDataError(f"{path} is damaged ({error}); delete it to get it anew") from error
    return np.stack(drawings).reshape(-1, DRAWINGS, size, size)


def _drawing(content: bytes, size: int) -> np.ndarray:
    with Image.open(io.BytesIO(content)) as image:
        gray = image.convert("L")
        if gray.size != (size, size):
            gray = gray.resize((size, size), Image.Resampling.BOX)
        return 1.0 - np.asarray(gray, np.float32) / 255.0
