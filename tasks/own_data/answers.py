"""From rows as people have them to the inputs of a network, and from its outputs to answers: one JSON object.

``{"encoder": ..., "classes": [...]}`` or ``{"encoder": ..., "mean": ..., "deviation": ...}``; an ``encoder`` of None
takes arrays, standardized by ``input`` (numbers, or a list of one for each channel). A run keeps it beside its network,
so that both are enough to predict.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from gondwana.tasks.own_data.encoder import TableEncoder
from gondwana.tasks.splits import standardize


class Answers:
    """Reads what :meth:`gondwana.tasks.base.Task.preprocessing` wrote."""

    def __init__(self, data: Mapping[str, Any]) -> None:
        encoder = data.get("encoder")
        self._encoder = None if encoder is None else TableEncoder.from_json(encoder)
        self._input: Mapping[str, Any] = data.get("input") or {}
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
            return self._encoder.transform(self.framed(rows))
        mean, deviation = self._input.get("mean", 0.0), self._input.get("deviation", 1.0)
        return standardize(self.shaped(rows), mean, deviation)

    def framed(self, rows: Any) -> pd.DataFrame:
        """Return rows of a table as a DataFrame. Raises ValueError if they are none, or have too many columns."""
        if self._encoder is None:
            raise ValueError("the network was not trained with a table")
        return _as_frame(rows, self._encoder)

    def shaped(self, rows: Any) -> np.ndarray:
        """Return arrays in the shape that the network receives, values as they are. Raises ValueError if it differs."""
        x = np.asarray(rows)
        shape = tuple(self._input.get("shape", x.shape[1:]))
        if x.size != len(x) * int(np.prod(shape)):
            raise ValueError(
                f"inputs must have the shape (rows, {', '.join(map(str, shape))}). Received: {x.shape}"
            )
        if x.dtype.kind not in "biuf":
            raise ValueError(f"inputs must be arrays of numbers. Received: an array of {x.dtype}")
        return x.reshape(len(x), *shape)

    def answers(self, outputs: np.ndarray) -> np.ndarray:
        """Return a class or a number for each row of the network's outputs."""
        if self.classes is not None:
            best = outputs.argmax(axis=1) if outputs.shape[1] > 1 else (outputs[:, 0] > 0.5).astype(int)
            classes: np.ndarray = np.asarray(self.classes)
            return np.asarray(classes[best])
        return np.asarray(outputs[:, 0].astype(np.float64) * self._deviation + self._mean)


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
