"""Predictions of a run's network, or of one with its preprocessing inside, for rows as people have them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from gondwana.tasks.own_data.answers import Answers

if TYPE_CHECKING:
    import keras

PREDICTED_AT_ONCE = 256


class NoNetworkError(ValueError):
    """There is no network, or nothing that makes inputs of rows."""


class Predictor:
    """Predicts classes or numbers for a DataFrame, an array, a list of texts, whatever the network was trained with.

    Args:
        model: the network.
        preprocessing: see :mod:`gondwana.tasks.own_data.answers`.
        raw: whether the network has its preprocessing inside.
        target: name of what is predicted, if known.
    """

    def __init__(
        self, model: keras.Model, preprocessing: Mapping[str, Any], *, raw: bool, target: str | None = None
    ) -> None:
        self.model = model
        self.preprocessing = dict(preprocessing)
        self.target = target
        self._raw = raw
        self._answers = Answers(preprocessing)

    @property
    def classes(self) -> list[Any] | None:
        """Names of the classes, in the order of the columns of :meth:`predict_proba`; None for a regression."""
        return self._answers.classes

    @property
    def columns(self) -> dict[str, str] | None:
        """Kind of each column that was looked at in training; None if the inputs are arrays of other than rows."""
        encoder = self._answers.encoder
        return None if encoder is None else {name: column.kind for name, column in encoder.columns.items()}

    def predict(self, rows: Any) -> np.ndarray:
        """Return a class, or a number in the target's own units, for each row.

        Raises:
            ValueError: if the rows are not what the network was trained with.
        """
        return self.answers(self.outputs(rows))

    def predict_proba(self, rows: Any) -> np.ndarray:
        """Return the probability of each class for each row, shape (rows, classes).

        Raises:
            NoNetworkError: if it predicts a number.
            ValueError: if the rows are not what the network was trained with.
        """
        if self.classes is None:
            raise NoNetworkError("the network predicts a number, not a class")
        return self.probabilities(self.outputs(rows))

    def outputs(self, rows: Any) -> np.ndarray:
        """Return what the network itself gives for rows."""
        from gondwana.tasks.own_data.memory import as_rows
        from gondwana.tasks.predictor.inputs import graph_inputs

        found = as_rows(rows)
        if not self._raw:
            return outputs(self.model, self._answers.inputs(found))
        if self._answers.encoder is None:
            return outputs(self.model, self._answers.shaped(found))
        return outputs(self.model, graph_inputs(self.preprocessing, self._answers.framed(found)))

    def encode(self, rows: Any) -> np.ndarray:
        """Return what the network alone receives for rows: for exports without the preprocessing.

        Raises:
            ValueError: if the rows are not what the network was trained with.
        """
        from gondwana.tasks.own_data.memory import as_rows

        return self._answers.inputs(as_rows(rows))

    def answers(self, outputs: np.ndarray) -> np.ndarray:
        """Return classes or numbers of what :meth:`outputs` returned."""
        if self._raw and self.classes is None:
            return np.asarray(outputs[:, 0], np.float64)
        return self._answers.answers(outputs)

    def probabilities(self, outputs: np.ndarray) -> np.ndarray:
        """Return the probabilities of all classes, also where the network gives one for two classes."""
        if outputs.shape[1] == 1:
            return np.concatenate([1 - outputs, outputs], axis=1)
        return outputs


def preprocessing_of(run: Path) -> dict[str, Any] | None:
    """Return how rows become the inputs of a run's network; None if its task has no such thing."""
    from gondwana.nas.engine.execute import PREPROCESSING

    try:
        found: dict[str, Any] = json.loads((run / PREPROCESSING).read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    return found


def best_path(run: Path) -> Path:
    """Return the file of a run's best network. Raises NoNetworkError if none is saved yet."""
    from gondwana.nas.engine.records.run_folder import BEST_MODEL
    from gondwana.nas.engine.records.summary import summarize

    path = run / BEST_MODEL
    if path.is_file():
        return path
    finished = summarize(run).finished
    why = "none could be trained" if finished else "it is not finished; gondwana.resume goes on"
    raise NoNetworkError(f"{run}: no network is saved: {why}")


def predictor_of(run: Path) -> Predictor:
    """Return what predicts with the best network of a run.

    Raises:
        NoNetworkError: if there is none, or its task says nothing of raw rows.
    """
    from gondwana.nas.engine.records.run_folder import RunFolder
    from gondwana.nas.evaluation.saved import load

    RunFolder.open(run)
    path, preprocessing = best_path(run), preprocessing_of(run)
    if preprocessing is None:
        raise NoNetworkError(
            f"{run}: its task keeps nothing that makes inputs of raw rows; gondwana.load_network loads its network"
        )
    return Predictor(load(path), preprocessing, raw=False, target=target_of(run))


def target_of(run: Path) -> str | None:
    """Return the name of the column that a run predicts, if its task has one."""
    from gondwana.nas.engine.records.summary import summarize

    found = summarize(run).config.get("task", {}).get("options", {}).get("target")
    return None if found is None else str(found)


def outputs(model: keras.Model, x: Any) -> np.ndarray:
    """Return the outputs of a network with one output, for an array or a dict of arrays.

    Batches are filled up to one size, so that a row's answer does not depend on which other rows it comes with.
    """
    from keras import ops

    parts = []
    count = len(next(iter(x.values()))) if isinstance(x, dict) else len(x)
    for start in range(0, count, PREDICTED_AT_ONCE):
        if isinstance(x, dict):
            batch: Any = {name: _tensor(_filled(array, start)) for name, array in x.items()}
        else:
            batch = _filled(x, start)
        found = ops.convert_to_numpy(model(batch, training=False))
        parts.append(found[: min(PREDICTED_AT_ONCE, count - start)])
    if not parts:
        return np.zeros((0, model.output_shape[-1]), np.float32)
    return np.concatenate(parts)


def _filled(array: np.ndarray, start: int) -> np.ndarray:
    batch = array[start : start + PREDICTED_AT_ONCE]
    filler = np.full((PREDICTED_AT_ONCE - len(batch), *array.shape[1:]), "" if array.dtype == object else 0)
    return np.concatenate([batch, filler.astype(array.dtype)])


def _tensor(array: np.ndarray) -> Any:
    from keras import ops

    return ops.convert_to_tensor(array, dtype="string" if array.dtype == object else str(array.dtype))
