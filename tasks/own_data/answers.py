"""From rows as people have them to the inputs of a network, and from its outputs to answers: one JSON object.

``{"encoder": ..., "classes": [...]}`` or ``{"encoder": ..., "mean": ..., "deviation": ...}``; an ``encoder`` of None
takes arrays as they are, after ``input`` statistics if there are any. A run keeps it beside its network, so that both
are enough to predict.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from gondwana.tasks.own_data.encoder import TableEncoder


class Answers:
    """Reads what :meth:`gondwana.tasks.base.Task.preprocessing` wrote."""

    def __init__(self, data: Mapping[str, Any]) -> None:
        encoder = data.get("encoder")
        self._encoder = None if encoder is None else TableEncoder.from_json(encoder)
        self._input: Mapping[str, float] = data.get("input") or {"mean": 0.0, "deviation": 1.0}
        self.classes: list[Any] | None = data.get("classes")
        self._mean, self._deviation = float(data.get("mean", 0.0)), float(data.get("deviation", 1.0))

    @property
    def encoder(self) -> TableEncoder | None:
        """How a table is encoded; None for arrays."""
        return self._encoder

    def inputs(self, rows: Any) -> np.ndarray:
        """Return what the network receives for a DataFrame, or an array.

        Raises:
            ValueError: if the rows are not what the network was trained with.
        """
        if self._encoder is not None:
            return self._encoder.transform(_as_frame(rows, self._encoder))
        x = np.asarray(rows)
        if not np.issubdtype(x.dtype, np.floating) and not self._scaled:
            return np.ascontiguousarray(x)
        scaled = (x.astype(np.float32) - np.float32(self._input["mean"])) / np.float32(self._input["deviation"])
        return np.ascontiguousarray(scaled.astype(np.float32))

    @property
    def _scaled(self) -> bool:
        return self._input["mean"] != 0.0 or self._input["deviation"] != 1.0

    def answers(self, outputs: np.ndarray) -> np.ndarray:
        """Return a class or a number for each row of the network's outputs."""
        if self.classes is not None:
            best = outputs.argmax(axis=1) if outputs.shape[1] > 1 else (outputs[:, 0] > 0.5).astype(int)
            return np.asarray(self.classes)[best]
        return outputs[:, 0].astype(np.float64) * self._deviation + self._mean


def _as_frame(rows: Any, encoder: TableEncoder) -> pd.DataFrame:
    if isinstance(rows, pd.DataFrame):
        return rows
    array = np.asarray(rows, dtype=object)
    if array.ndim == 1:
        array = array[:, None]
    names = list(encoder.columns)
    if array.ndim != 2 or array.shape[1] != len(names):
        raise ValueError(
            f"rows must be a DataFrame with the columns {', '.join(names[:10])}, or an array of shape "
            f"(rows, {len(names)}). Received: shape {array.shape}"
        )
    return pd.DataFrame(array, columns=names).infer_objects()
