"""Rows drawn by what is known of a task's encoding, to compare networks with: cells as people have them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from gondwana.tasks.own_data.columns import Column

EMPTY = 0.1
"""Share of cells that are empty."""


def sample_frame(encoder: Mapping[str, Any], count: int, rng: np.random.Generator) -> pd.DataFrame:
    """Return rows for an encoder (:meth:`TableEncoder.to_json`), with empty cells and unseen categories."""
    columns, place = {}, 0
    for name, data in encoder["columns"].items():
        column = Column.from_json(data)
        center, scale = (encoder[key][place] if column.width else 1.0 for key in ("center", "scale"))
        cells = pd.Series(_cells(column, encoder["fitted"].get(name, {}), center, scale, count, rng))
        columns[name] = cells.mask(rng.random(count) < EMPTY)
        place += column.width
    return pd.DataFrame(columns)


def _cells(
    column: Column,
    fitted: Mapping[str, Any],
    center: float,
    scale: float,
    count: int,
    rng: np.random.Generator,
) -> Any:
    if column.kind == "number":
        return rng.normal(center, scale, count)
    if column.kind == "date":
        days = rng.normal(center, scale, count)
        moments = pd.to_datetime((days * 86400).round(), unit="s", errors="coerce")
        return moments if column.hours else moments.normalize()
    if column.kind == "text":
        words = [*fitted["words"], "unheard"]
        return [" ".join(rng.choice(words, 5)) for _ in range(count)]
    return rng.choice([*(column.categories or ("x",)), "never seen"], count).astype(object)


def sample_array(shape: tuple[int, ...], low_high: Any, count: int, rng: np.random.Generator) -> np.ndarray:
    """Return arrays for a network: pixels in a range, or entries from N(0, 1)."""
    if low_high is None:
        return rng.normal(size=(count, *shape)).astype(np.float32)
    return rng.integers(int(low_high[0]), int(low_high[1]) + 1, (count, *shape)).astype(np.float32)
