"""Ends a training when the validation rows show no progress any more, with the weights of the best epoch."""

from __future__ import annotations

from collections.abc import Sequence

import keras
import numpy as np

from gondwana.tasks.training.scoring import Scorer


class EarlyStopping:
    """Watches the loss on the fixed part of the validation split, and remembers the weights of the best epoch.

    Args:
        scorer: of the model.
        patience: epochs without a smaller loss after which the training ends.
        variables: what makes up the model.
    """

    def __init__(self, scorer: Scorer, patience: int, variables: Sequence[keras.Variable]) -> None:
        self._scorer, self._patience, self._variables = scorer, patience, variables
        self._smallest = np.inf
        self._waited = 0
        self._best: list[np.ndarray] = []

    def is_over(self) -> bool:
        """Look at the model after an epoch; return whether the training ends here."""
        loss = self._scorer.part()["loss"]
        if loss < self._smallest:
            self._smallest, self._waited = loss, 0
            self._best = [np.array(keras.ops.convert_to_numpy(v)) for v in self._variables]
        else:
            self._waited += 1
        return self._waited >= self._patience

    def restore(self) -> None:
        """Give the model the weights of its best epoch."""
        for variable, value in zip(self._variables, self._best, strict=bool(self._best)):
            variable.assign(value)
