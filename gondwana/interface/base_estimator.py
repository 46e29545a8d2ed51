"""What the estimators have in common: looking at rows, the search, the network of all rows, pickling."""

from __future__ import annotations

import contextlib
import os
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.utils.validation import (
    check_array,
    check_consistent_length,
    check_is_fitted,
    column_or_1d,
    validate_data,
)

from gondwana.interface.data import GivenData, of_prepared
from gondwana.interface.evolving import keeper, print_line
from gondwana.interface.final import final_network, keep_network, loaded
from gondwana.nas.cli.progress import ProgressView
from gondwana.nas.config.durations import seconds_of
from gondwana.nas.delivery.predicting import outputs
from gondwana.nas.delivery.predictor import archive
from gondwana.nas.searches.defaults import default_search, default_training
from gondwana.tasks.options import check_choice
from gondwana.tasks.own_data.answers import Answers
from gondwana.tasks.own_data.memory import as_rows, prepare
from gondwana.tasks.splits import draw

if TYPE_CHECKING:
    import keras

GENERATIONS = 3
"""Generations of a search without a time budget."""
MANY_GENERATIONS = 1000
"""Generations of a search that ends when its time is over."""
SEARCHED = 0.7
"""Share of a time budget that the search has; the rest is for the trainings on all rows."""
ALMOST = 0.9
"""Share of a time budget after which no further network is trained on all rows."""
LEAST_VALIDATION = 2
GATHER_SECONDS = 0.02
"""For so long results are gathered before they are recorded together."""


class InterruptedSearch(KeyboardInterrupt):
    """The search was stopped before its end."""


class NetworkEstimator(BaseEstimator):  # type: ignore[misc]  # scikit-learn has no types
    """See :class:`gondwana.interface.estimators.NetworkClassifier` for the parameters."""

    _predict = ""
    _network: keras.Model | None
    _saved: bytes

    def __init__(
        self,
        *,
        time_budget: float | str | None = None,
        generations: int | None = None,
        seed: int = 0,
        n_jobs: int | None = None,
        initialization: str = "autoinit",
        search: Mapping[str, Any] | None = None,
        training: Mapping[str, Any] | None = None,
        ensemble_size: int = 5,
        validation_fraction: float = 0.2,
        metric: str | None = None,
        run_dir: str | Path | None = None,
        verbose: int = 0,
    ) -> None:
        self.time_budget = time_budget
        self.generations = generations
        self.seed = seed
        self.n_jobs = n_jobs
        self.initialization = initialization
        self.search = search
        self.training = training
        self.ensemble_size = ensemble_size
        self.validation_fraction = validation_fraction
        self.metric = metric
        self.run_dir = run_dir
        self.verbose = verbose

    @property
    def network_(self) -> keras.Model:
        """The network, a Keras model."""
        check_is_fitted(self, "_saved")
        if self._network is None:
            self._network = loaded(self._saved)
        return self._network

    @property
    def columns_(self) -> list[str]:
        """What the columns of a table were taken for, in words."""
        check_is_fitted(self, "preprocessing_")
        encoder = Answers(self.preprocessing_).encoder
        return [] if encoder is None else encoder.describe()

    def save(self, path: str | Path, *, preprocessing: bool = False) -> Path:
        """Write the network to a ``.keras`` file and return its path.

        Args:
            path: the file.
            preprocessing: whether it takes raw rows, a column an input, and gives probabilities of ``classes_`` or
                numbers in the target's own units; else the network alone, whose inputs are encoded already.
        """
        check_is_fitted(self, "_saved")
        saved = archive(self.network_, self.preprocessing_) if preprocessing else self._saved
        Path(path).write_bytes(saved)
        return Path(path)

    def __getstate__(self) -> dict[str, Any]:
        state: dict[str, Any] = dict(super().__getstate__())
        return {**state, "_network": None} if "_network" in state else state

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        tags.input_tags.categorical = True
        tags.input_tags.string = True
        return tags

    def _checked(self, X: Any, y: Any) -> tuple[Any, np.ndarray]:
        """Return rows and target of ``fit``, and note the names of the columns."""
        if y is None:
            raise ValueError(
                f"This {type(self).__name__} estimator requires y to be passed, but the target y is None."
            )
        rows = self._rows(X, reset=True)
        target = column_or_1d(y, warn=True)
        if self._predict == "number" and any(isinstance(value, str) for value in target[:1]):
            raise ValueError(
                "a regressor needs numbers as its target; NetworkClassifier learns classes. "
                f"Received: {str(target[0])!r}"
            )
        if self._predict == "number" or target.dtype.kind in "fc":
            target = check_array(
                target, ensure_2d=False, dtype="numeric" if target.dtype == object else None, input_name="y"
            )
        elif target.dtype == object and any(value is None or value != value for value in target):
            raise ValueError("Input y contains NaN: the target is empty in some rows; leave them out.")
        check_consistent_length(rows, target)
        if len(target) < 2 * LEAST_VALIDATION:
            raise ValueError(
                f"at least {2 * LEAST_VALIDATION} samples are needed to train and to validate. "
                f"Received: n_samples = {len(target)}"
            )
        return rows, target

    def _rows(self, X: Any, *, reset: bool) -> Any:
        """Return what a caller gave as rows, checked: a DataFrame, or an array of numbers."""
        import pandas as pd

        if isinstance(X, pd.Series) or _is_text(X):
            X = as_rows(X)
        if not isinstance(X, pd.DataFrame):
            if getattr(getattr(X, "dtype", None), "kind", "") == "c":
                raise ValueError(
                    "Complex data not supported: give real and imaginary parts as columns of their own"
                )
            return validate_data(
                self, X, reset=reset, ensure_all_finite="allow-nan", allow_nd=True, dtype="numeric"
            )
        validate_data(self, X, reset=reset, skip_check_array=True)
        if X.shape[0] < 1 or X.shape[1] < 1:
            check_array(np.zeros(X.shape))  # refuses it in scikit-learn's words
        return X

    def _fit(self, rows: Any, target: np.ndarray) -> None:
        """Search, and train the best network on all rows.

        Args:
            rows: DataFrame or array.
            target: numbers, or classes as 0, 1, ...
        """
        from gondwana.nas.cli.quiet import load_keras

        begin = time.monotonic()
        load_keras()
        seconds = seconds_of(self.time_budget)
        deadline = None if seconds is None else begin + ALMOST * seconds
        with tempfile.TemporaryDirectory() as scratch:
            path = Path(scratch, "run") if self.run_dir is None else Path(self.run_dir)
            train, validation = self._divided(target)
            parts = [(_taken(rows, part), target[part]) for part in (train, validation)]
            found = of_prepared(prepare(parts[0], parts[1:], predict=self._predict), self.metric)
            self._search(found, path, spent=time.monotonic() - begin)
            whole = prepare((rows, target), parts[1:], predict=self._predict)
            final = final_network(path, of_prepared(whole, self.metric), self._members(), deadline)
            self.score_, self._network, self._saved = final.fitness, final.model, final.content
            self.preprocessing_ = dict(whole.preprocessing)
            if self._predict == "class":
                self.preprocessing_["classes"] = self._names()  # and not their numbers, which were learned
            if self.run_dir is not None:
                keep_network(path, self._saved, self.preprocessing_)

    def _names(self) -> list[Any]:
        """Return the labels that the network tells apart, as plain values."""
        names: list[Any] = np.asarray(getattr(self, "classes_", ())).tolist()
        return names

    def _members(self) -> int:
        size = self.ensemble_size
        if isinstance(size, bool) or int(size) != size or size < 1:
            raise ValueError(f"ensemble_size must be a whole number of at least 1. Received: {size!r}")
        return int(size)

    def _divided(self, target: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return the rows for training and for validation; of each class at least one is in training."""
        share = self.validation_fraction
        if not isinstance(share, float) or not 0 < share < 1:
            raise ValueError(f"validation_fraction must be between 0 and 1. Received: {share!r}")
        count = min(max(LEAST_VALIDATION, round(share * len(target))), len(target) - LEAST_VALIDATION)
        labels = target if self._predict == "class" else np.zeros(len(target), int)
        validation, train = draw(labels, (count, len(target) - count), int(self.seed))
        moved = np.flatnonzero(np.isin(labels, np.setdiff1d(labels, labels[train])))
        return np.union1d(train, moved), np.setdiff1d(validation, moved)

    def _search(self, found: GivenData, path: Path, *, spent: float) -> None:
        """Lead a run over the divided rows; ``spent`` seconds of the time budget are over.

        Raises:
            InterruptedSearch: if it was stopped.
        """
        from gondwana.nas.config.schema import parse_config
        from gondwana.nas.engine.execute import Execution, start
        from gondwana.nas.engine.pools.local_pool import LocalPool

        config = parse_config(self._config(found, spent), source=type(self).__name__)
        listeners = [ProgressView()] if self.verbose else []
        in_process = config.engine.pool == "local"
        execution = Execution(
            listeners=listeners,
            # this process may have used the framework already; its threads are the user's to set
            open_pool=(lambda engine: LocalPool(gather_seconds=GATHER_SECONDS)) if in_process else None,
            load_data=found.search_data,
            keep=keeper(found),
            tell=print_line if self.verbose else None,
        )
        with contextlib.ExitStack() as stack:
            for view in listeners:
                stack.enter_context(view)
            result = start(config, path, execution)
        if not result.finished:
            raise InterruptedSearch("the search was stopped; nothing is fitted")

    def _config(self, found: GivenData, spent: float) -> dict[str, Any]:
        if found.prepared is None:
            raise ValueError("rows are prepared before the search")
        x = found.prepared.splits[0].x
        shape = x.shape[1:]
        from gondwana.autoinit import STRATEGIES

        check_choice("initialization", self.initialization, (*STRATEGIES, "evolved"))
        search = dict(self.search or {})
        if "kind" not in search:
            search = {**default_search(shape), **search}
        if search["kind"] == "codeepneat":
            search.setdefault("initialization", self.initialization)
        seconds = seconds_of(self.time_budget)
        generations = self.generations
        if generations is None:
            generations = GENERATIONS if seconds is None else MANY_GENERATIONS
        jobs = 1 if self.n_jobs is None else int(self.n_jobs)
        workers = jobs if jobs > 0 else max(1, (os.cpu_count() or 1) + 1 + jobs)
        return {
            "name": "fit",
            "seed": int(self.seed),
            "generations": generations,
            "time_budget": seconds
            if seconds is None or seconds <= 0
            else max(0.1, SEARCHED * seconds - spent),
            "task": found.task,
            "training": {**default_training(len(x), shape), **(self.training or {})},
            "search": search,
            "finalists": 0,
            "engine": {"pool": "local"} if workers == 1 else {"pool": "ray", "workers": workers},
        }

    def _outputs(self, X: Any) -> np.ndarray:
        """Return the outputs of the network for rows."""
        check_is_fitted(self, "_saved")
        rows = self._rows(X, reset=False)
        return outputs(self.network_, Answers(self.preprocessing_).inputs(as_rows(rows)))


def _is_text(X: Any) -> bool:
    """Return whether rows that are no DataFrame hold text."""
    if isinstance(X, np.ndarray):
        return X.dtype.kind in "US" or (X.dtype == object and any(isinstance(cell, str) for cell in X.flat))
    if not isinstance(X, list | tuple) or not len(X):
        return False
    first = X[0]
    return isinstance(first, str) or (
        isinstance(first, list | tuple) and any(isinstance(c, str) for c in first)
    )


def _taken(rows: Any, part: np.ndarray) -> Any:
    return rows.iloc[part] if hasattr(rows, "iloc") else rows[part]
