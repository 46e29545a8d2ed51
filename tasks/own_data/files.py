"""What tasks on a user's own files have in common: finding the file, dividing its rows, checking the classes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from gondwana.tasks.data import DamagedDataError, MissingDataError, data_root
from gondwana.tasks.splits import draw


def check_classes(task: str, classes: Sequence[str]) -> None:
    """Raise ValueError unless ``classes`` are at least two different names."""
    if isinstance(classes, str | Mapping) or len(classes) < 2 or len(set(classes)) != len(classes):
        raise ValueError(
            f"{task}: option 'classes' must list at least two different names. Received: {classes!r}"
        )


def three_ways(labels: np.ndarray, seed: int) -> list[np.ndarray]:
    """Return the rows of the test, validation and training splits, 20 / 20 / 60 percent, stratified."""
    fifth = len(labels) // 5
    if fifth == 0:
        raise DamagedDataError(f"at least 5 labelled examples are needed. Received: {len(labels)}")
    return draw(labels, (fifth, fifth, len(labels) - 2 * fifth), seed)


def located(task: str, path: str, data_dir: Path | None) -> Path:
    """Return the absolute path that an option means. Raises MissingDataError if nothing is there."""
    found = data_root(data_dir) / Path(path).expanduser()  # an absolute path stays as it is
    if not found.exists():
        raise MissingDataError(
            f"{task}: option 'path': there is no {found}. Give an absolute path, or one relative to the data folder "
            f"(--data-dir or GONDWANA_DATA)"
        )
    return found
