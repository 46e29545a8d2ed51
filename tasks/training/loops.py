"""One training step and one prediction, per backend.

The loop around them (`fit.py`) is the same everywhere. Each backend has a step of its own, because what Keras' trainer
adds around a step (data adapter, iterator, second trace for the last batch) costs small networks more than their
training, and because Keras' optimizers leak a graph per training on TensorFlow.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

import keras
import numpy as np

from gondwana.tasks.base import Split
from gondwana.tasks.training.objective import Objective


class Loop(Protocol):
    """Steps over the examples of one split."""

    def step(self, rows: np.ndarray, rate: float, x: np.ndarray | None = None) -> None:
        """Train on these rows of the split at this learning rate; ``x`` replaces their examples if given.

        The model has the new weights after :meth:`mean_loss` or :meth:`state`, not always before.
        """
        ...

    def mean_loss(self) -> float:
        """Return the mean over the steps since the last :meth:`reset`, penalties included. Waits for the device."""
        ...

    def reset(self) -> None:
        """Start a new mean of the training loss, at the beginning of an epoch."""
        ...

    def state(self) -> list[np.ndarray]:
        """Return all values that the optimizer remembers from step to step."""
        ...

    def restore(self, values: Sequence[np.ndarray]) -> None:
        """Let the optimizer remember what :meth:`state` returned in an earlier training of the same model."""
        ...


def make_loop(
    model: keras.Model, optimizer: keras.optimizers.Optimizer, objective: Objective, split: Split
) -> Loop:
    """Return the fastest loop for the active backend."""
    if keras.backend.backend() == "tensorflow":
        from gondwana.tasks.training.backend import (  # imports TensorFlow, which need not be installed
            TensorFlowLoop,
        )

        return TensorFlowLoop(model, optimizer, objective, split)
    if keras.backend.backend() == "jax":
        from gondwana.tasks.training.backends.jax_loop import JaxLoop

        return JaxLoop(model, optimizer, objective, split)
    if keras.backend.backend() == "torch":
        from gondwana.tasks.training.backends.torch_loop import TorchLoop

        return TorchLoop(model, optimizer, objective, split)
    return KerasLoop(model, optimizer, objective, split)


Predict = Callable[[np.ndarray], list[np.ndarray]]
"""From examples to outputs, one array per output, with the weights that the model has at the moment."""


def make_predictor(model: keras.Model, like: np.ndarray, batch_size: int) -> Predict:
    """Return a function that predicts in inference mode and is traced once, however often it is called.

    Args:
        model: the network.
        like: examples of the shape and type of those that will come.
        batch_size: rows per pass; bounds the memory.
    """
    if keras.backend.backend() == "tensorflow":
        from gondwana.tasks.training.backend import Predictor

        return Predictor(model, like, batch_size)
    if keras.backend.backend() == "jax":
        from gondwana.tasks.training.backends.jax_loop import JaxPredictor

        return JaxPredictor(model, batch_size)
    if keras.backend.backend() == "torch":
        from gondwana.tasks.training.backends.torch_loop import TorchPredictor

        return TorchPredictor(model, batch_size)

    def predicted(x: np.ndarray) -> list[np.ndarray]:
        missing = max(0, batch_size - len(x))  # another shape would have the network compiled once more
        padded = np.concatenate([x, np.repeat(x[-1:], missing, axis=0)]) if missing else x
        result = model.predict(padded, batch_size=batch_size, verbose=0)
        outputs = list(result) if isinstance(result, list | tuple) else [result]
        return [output[: len(x)] for output in outputs]

    return predicted


def predict(model: keras.Model, x: np.ndarray, batch_size: int) -> list[np.ndarray]:
    """Return the outputs of the model, in inference mode, for all of ``x``; one array per output."""
    return make_predictor(model, x, min(batch_size, len(x)))(x)


class KerasLoop:
    """Steps through ``Model.train_on_batch``: any backend, and what the other loops are tested against.

    The model is left compiled.
    """

    def __init__(
        self, model: keras.Model, optimizer: keras.optimizers.Optimizer, objective: Objective, split: Split
    ) -> None:
        def loss_of(index: int) -> keras.losses.Loss:
            return _MeanLoss(objective, index)

        model.compile(optimizer, loss=[loss_of(i) for i in range(len(objective.heads))], jit_compile="auto")
        model.optimizer.build(model.trainable_variables)  # so that its state can be set before the first step
        self._model, self._split = model, split
        self._targets = objective.targets(split.y)
        self._losses: list[float] = []

    def step(self, rows: np.ndarray, rate: float, x: np.ndarray | None = None) -> None:
        if self._model.optimizer.learning_rate != rate:
            self._model.optimizer.learning_rate = rate
        examples = self._split.x[rows] if x is None else x
        targets: Sequence[np.ndarray] = [target[rows] for target in self._targets]
        self._model.reset_metrics()  # some versions of Keras do so themselves
        logs = self._model.train_on_batch(examples, list(targets), return_dict=True)
        self._losses.append(float(logs["loss"]))

    def mean_loss(self) -> float:
        return float(np.mean(self._losses)) if self._losses else 0.0

    def reset(self) -> None:
        self._losses.clear()

    def state(self) -> list[np.ndarray]:
        return [np.array(keras.ops.convert_to_numpy(v)) for v in self._model.optimizer.variables]

    def restore(self, values: Sequence[np.ndarray]) -> None:
        for variable, value in zip(self._model.optimizer.variables, values, strict=True):
            variable.assign(value)


class _MeanLoss(keras.losses.Loss):  # type: ignore[misc]
    """One head's loss, already a mean over the batch."""

    def __init__(self, objective: Objective, index: int) -> None:
        super().__init__(name=f"loss_{index}", reduction=None)
        self._objective, self._index = objective, index

    def call(self, y_true: object, y_pred: object) -> object:
        return self._objective.loss(self._index, y_true, y_pred)
