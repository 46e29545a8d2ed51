"""Networks found by a search, as scikit-learn estimators."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.base import ClassifierMixin, RegressorMixin
from sklearn.utils.multiclass import check_classification_targets, unique_labels

from gondwana.interface.base_estimator import NetworkEstimator


class NetworkClassifier(ClassifierMixin, NetworkEstimator):  # type: ignore[misc]  # scikit-learn has no types
    """A network that tells classes apart, found by a search.

    ``fit`` divides the rows into training and validation, searches with them for architectures, trains the best few
    again on all rows, and makes one network of them that averages their answers. Inputs are arrays, DataFrames
    (numbers, categories, booleans, dates, text, empty cells), arrays of images, or lists of text; they are encoded and
    standardized by what the rows of ``fit`` show, and what was fitted is part of the estimator.

    Args:
        time_budget: seconds, or text such as ``"5m"``, that ``fit`` may take, or None.
        generations: generations of the search; None is 3, or as many as the time allows.
        seed: of every choice. Equal seeds give equal networks on one machine, unless the time decides.
        n_jobs: networks trained at the same time; None is 1, in this process; -1 is one for each processor.
        initialization: how networks are initialized, a name of ``gondwana.autoinit.STRATEGIES``.
        search: the ``search`` section of a config, in place of the default search for the inputs' shape.
        training: entries of the ``training`` section of a config that replace the defaults.
        ensemble_size: architectures, the best first, whose networks are averaged; 1 for a single one.
        validation_fraction: share of the rows that candidates are compared on.
        metric: what the search selects by, in place of accuracy: a name of ``gondwana.tasks.metrics.METRICS`` such as
            ``balanced_accuracy``, ``f1_macro``, ``roc_auc`` or ``log_loss``.
        run_dir: folder to keep the run in, missing or empty; None keeps nothing.
        verbose: 1 shows how the search goes on.

    Attributes:
        classes_: labels, in the order of the columns of ``predict_proba``.
        network_: the Keras model.
        preprocessing_: how rows become its inputs, as a JSON object.
        columns_: what the columns of a table were taken for, in words; empty for other inputs.
        score_: best fitness of its members on the validation rows: accuracy, or the metric (errors negative).
        n_features_in_, feature_names_in_: as in scikit-learn.

    Examples:
        >>> model = gondwana.NetworkClassifier(time_budget=60).fit(table, labels)  # doctest: +SKIP
        >>> model.predict(more_rows)  # doctest: +SKIP
    """

    _predict = "class"

    def fit(self, X: Any, y: Any) -> NetworkClassifier:
        """Search for a network and train it.

        Raises:
            ValueError: if nothing can be learned from the rows; the message says why.
            RuntimeError: if no candidate could be trained.
            KeyboardInterrupt: if it is stopped, after what is under way has ended.
        """
        rows, target = self._checked(X, y)
        check_classification_targets(target)
        self.classes_ = unique_labels(target)
        if len(self.classes_) < 2:
            raise ValueError(
                f"a classifier needs at least two classes. Received: one class, '{self.classes_[0]}', in all rows"
            )
        self._fit(rows, np.searchsorted(self.classes_, target))
        return self

    def predict(self, X: Any) -> np.ndarray:
        """Return the most probable class of each row."""
        best = self.predict_proba(X).argmax(axis=1)
        return np.asarray(self.classes_[best])

    def predict_proba(self, X: Any) -> np.ndarray:
        """Return the probability of each class for each row, shape (rows, classes), float64."""
        probabilities = self._outputs(X).astype(np.float64)
        return np.asarray(probabilities / probabilities.sum(axis=1, keepdims=True))


class NetworkRegressor(RegressorMixin, NetworkEstimator):  # type: ignore[misc]  # scikit-learn has no types
    """A network that predicts a number, found by a search; see :class:`NetworkClassifier`.

    The target is standardized while it is learned. ``score`` is R squared, and so is ``score_`` on the validation rows
    unless ``metric`` is another one, such as ``mae``, ``rmse`` or ``mape``.
    """

    _predict = "number"

    def fit(self, X: Any, y: Any) -> NetworkRegressor:
        """Search for a network and train it. Raises as :meth:`NetworkClassifier.fit`."""
        rows, target = self._checked(X, y)
        self._fit(rows, target.astype(np.float64))
        return self

    def predict(self, X: Any) -> np.ndarray:
        """Return a number for each row, float64."""
        values = self._outputs(X)[:, 0].astype(np.float64)
        return np.asarray(values * self.preprocessing_["deviation"] + self.preprocessing_["mean"])
