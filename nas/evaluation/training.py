"""The training of one candidate with its learning curve, from the beginning or from where it ended before."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import keras

    from gondwana.tasks.base import SearchData, TaskInfo
    from gondwana.tasks.training.fit import Epoch, History
    from gondwana.tasks.training.loops import Predict
    from gondwana.tasks.training.scoring import Scorer
    from gondwana.tasks.training.state import TrainingState


class Training:
    """What a training has come to so far, however it ends.

    Attributes:
        curve: points of the learning curve, see :class:`gondwana.nas.candidate.Outcome`.
        state: from which the training can go on; None before the end, and at the recipe's end.
        scoring_seconds: wall seconds spent on the validation split between epochs.
        recipe: of the spec, once the training has begun.
    """

    def __init__(self, spec: Mapping[str, Any], info: TaskInfo) -> None:
        self._spec, self._info = spec, info
        self.curve: list[dict[str, float]] = []
        self.state: bytes | None = None
        self.scoring_seconds = 0.0
        self._before = 0.0
        self._continued: int | None = None

    def train(self, model: keras.Model, data: SearchData, state: bytes | None) -> None:
        """Train an initialized model to ``spec["until_epoch"]``, or to the end of the recipe.

        Args:
            model: is changed.
            data: its validation split is looked at after each epoch.
            state: :attr:`state` of an earlier training of the same candidate; one that is damaged or of another network
                is of no use, and the training begins anew.

        Raises:
            gondwana.tasks.training.fit.Diverged: if loss or weights are not finite; the curve ends before.
        """
        from gondwana.tasks.training.state import StateError, TrainingState

        self.begin(model, data)
        try:
            start = None if state is None else TrainingState.from_bytes(state)
            self._history = self._train(start)
        except StateError:
            self._history = self._train(None)
        if state is not None:
            self._continued = self._last - len(self._history.epochs)

    def begin(self, model: keras.Model, data: SearchData, predict: Predict | None = None) -> None:
        """Take what is trained; ``predict`` returns the model's outputs, None has them traced."""
        from gondwana.tasks.training.recipe import Recipe

        self._model, self._data, self._predict = model, data, predict
        self.recipe = Recipe.from_json(self._spec["training"])
        until = self._spec.get("until_epoch")
        self._last = self.recipe.epochs if until is None else min(int(until), self.recipe.epochs)
        self._scorer: Scorer | None = None

    def end(self, history: History) -> None:
        """Take the record of a training that :meth:`train` did not make."""
        self._history = history

    def _train(self, start: TrainingState | None) -> History:
        from gondwana.tasks.training.fit import train

        self.curve = [] if start is None else [dict(point) for point in start.notes or ()]
        self._before = self.curve[-1]["seconds"] if self.curve else 0.0
        return train(
            self._model,
            self._data,
            self._info,
            self.recipe,
            int(self._spec["seed"]),
            on_epoch=self.note,
            until=self._last,
            start=start,
        )

    def score(self) -> dict[str, float]:
        """Score the trained model on the validation split; return the outcome's metrics and complete the curve."""
        history = self._history
        whole, part = self._scoring().whole()
        if (
            "val_loss" not in self.curve[-1]
        ):  # after an early end it is there, of the last and not of the best epoch
            self.curve[-1] |= _figures(part)
        if history.state is not None:
            self.state = replace(history.state, notes=self.curve).to_bytes()
        metrics = {f"val_{name}": value for name, value in whole.items()}
        metrics["train_loss"] = history.epochs[-1].loss
        metrics["first_step_seconds"] = history.first_step_seconds
        metrics["steps"] = history.steps
        if self._continued is not None:
            metrics["continued_from_epoch"] = self._continued
        return metrics

    def note(self, epoch: Epoch) -> None:
        """Add a point to the curve; the last epoch's validation figures come from the score of the whole split."""
        begin = time.perf_counter()
        self._before += epoch.seconds
        number = epoch.epoch + 1
        point = {"epoch": number, "train_loss": epoch.loss, "seconds": self._before}
        if number < self._last:
            point |= _figures(self._scoring().part())
        self.curve.append(point)
        self.scoring_seconds += time.perf_counter() - begin

    def _scoring(self) -> Scorer:
        from gondwana.tasks.training.scoring import Scorer

        if self._scorer is None:
            steps = self.recipe.steps_per_epoch
            trained = len(self._data.train) if steps is None else steps * self.recipe.batch_size
            self._scorer = Scorer(self._model, self._data.validation, self._info, trained, self._predict)
        return self._scorer


def _figures(scores: Mapping[str, float]) -> dict[str, float]:
    """Return the validation figures of a point, finite ones only."""
    found = {"val_loss": scores["loss"], "val_fitness": scores["fitness"]}
    return {name: value for name, value in found.items() if math.isfinite(value)}
