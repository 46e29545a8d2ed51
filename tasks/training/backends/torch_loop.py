"""Training steps on torch: plain eager ones, without what Keras' trainer puts around them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
import torch

from gondwana.tasks.base import Split
from gondwana.tasks.training.objective import Objective


class TorchLoop:
    """What ``Model.train_on_batch`` computes, step by step; see :class:`gondwana.tasks.training.loops.Loop`.

    Keras' optimizers update all weights at once on torch (its ``foreach`` operations). The examples are put on the
    device once.
    """

    def __init__(
        self, model: keras.Model, optimizer: keras.optimizers.Optimizer, objective: Objective, split: Split
    ) -> None:
        self._model, self._objective = model, objective
        if model.dtype_policy.name == "mixed_float16":
            optimizer = keras.optimizers.LossScaleOptimizer(optimizer)
        self._variables = list(model.trainable_variables)
        optimizer.build(self._variables)
        self._optimizer = optimizer
        self._device = next((v.value.device for v in model.variables), torch.device("cpu"))
        self._x = self._tensor(split.x)
        self._targets = [self._tensor(y) for y in objective.targets(split.y)]
        self._total = torch.zeros((), device=self._device)
        self._steps = 0
        self._rate: float | None = None

    def step(self, rows: np.ndarray, rate: float, x: np.ndarray | None = None) -> None:
        if rate != self._rate:
            self._optimizer.learning_rate = self._rate = rate
        index = torch.from_numpy(np.asarray(rows, np.int64)).to(self._device)
        weights = [variable.value for variable in self._variables]
        for weight in weights:
            weight.grad = None
        outputs = self._objective.outputs(
            self._model(self._x[index] if x is None else self._tensor(x), training=True)
        )
        losses = [
            self._objective.loss(i, self._targets[i][index], output) for i, output in enumerate(outputs)
        ]
        losses += [torch.sum(keras.ops.convert_to_tensor(p)).float() for p in self._model.losses]
        loss = sum(losses[1:], losses[0])
        if loss.requires_grad:
            self._optimizer.scale_loss(loss).backward()
        with torch.no_grad():
            self._total += loss.detach()
            self._optimizer.apply([weight.grad for weight in weights], self._variables)
        self._steps += 1

    def mean_loss(self) -> float:
        return float(self._total) / max(self._steps, 1)

    def reset(self) -> None:
        self._total.zero_()
        self._steps = 0

    def state(self) -> list[np.ndarray]:
        return [np.array(keras.ops.convert_to_numpy(v)) for v in self._optimizer.variables]

    def restore(self, values: Sequence[np.ndarray]) -> None:
        for variable, value in zip(self._optimizer.variables, values, strict=True):
            variable.assign(value)
        self._rate = None

    def _tensor(self, array: np.ndarray) -> torch.Tensor:
        return torch.as_tensor(array, device=self._device)


class TorchPredictor:
    """The outputs of a model in inference mode, ``batch_size`` rows per pass, with its weights of that moment."""

    def __init__(self, model: keras.Model, batch_size: int) -> None:
        self._model, self._size = model, batch_size

    def __call__(self, x: np.ndarray) -> list[np.ndarray]:
        """Return one array per output."""
        parts: list[list[np.ndarray]] = []
        with torch.no_grad():
            for start in range(0, len(x), self._size):
                result: Any = self._model(x[start : start + self._size], training=False)
                parts.append([keras.ops.convert_to_numpy(part) for part in keras.tree.flatten(result)])
        return [np.concatenate(column) for column in zip(*parts, strict=True)]
