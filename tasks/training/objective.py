"""Loss and metric of a task's heads, with Keras' own functions, so that every backend computes the same."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import keras
import numpy as np
from keras import ops

from gondwana.tasks.base import Arrays, Head, TaskInfo
from gondwana.tasks.metrics import METRICS, figures, fitness, value_of

Tensor = Any
"""A tensor of the active backend."""


class Objective:
    """What a network is trained for and scored by.

    The total loss is the sum over heads of the mean over the examples of a batch, as in ``Model.compile`` with one loss
    per output. With several heads, a target below 0 means that the example has no label for that head; it then counts
    as 0 in that mean and is left out of that head's metric.

    Args:
        model: functional model whose outputs are named after the heads (one head may have any name).
        info: the task.
        label_smoothing: share of a target of classes that is spread evenly over them, in :meth:`loss` alone.
        weights: by name of the head, weights of its classes, shape (classes,), in :meth:`loss` alone.

    Raises:
        ValueError: if outputs and heads do not match, or a head has no classes whose targets could be smoothed.
    """

    def __init__(
        self,
        model: keras.Model,
        info: TaskInfo,
        *,
        label_smoothing: float = 0.0,
        weights: Mapping[str, np.ndarray] | None = None,
    ) -> None:
        outputs = list(model.output_names)
        by_name = {head.name: head for head in info.heads}
        if len(outputs) == len(info.heads) == 1:
            by_name = {outputs[0]: info.heads[0]}
        if set(outputs) != set(by_name):
            raise ValueError(
                f"the outputs of model {model.name!r} must be the heads of task {info.name!r}, {sorted(by_name)}. "
                f"Received: {sorted(outputs)}"
            )
        self.heads: tuple[Head, ...] = tuple(by_name[name] for name in outputs)
        self._names = outputs
        self._losses = [_loss_function(head) for head in self.heads]
        self._trained = [
            _smoothed(head, label_smoothing) or loss
            for head, loss in zip(self.heads, self._losses, strict=True)
        ]
        self._weights = [(weights or {}).get(head.name) for head in self.heads]

    @property
    def masked(self) -> bool:
        """True if targets below 0 mean "no label"."""
        return len(self.heads) > 1

    def targets(self, y: Arrays) -> tuple[np.ndarray, ...]:
        """Return the targets in the order of the model's outputs, shaped for their losses.

        Raises:
            ValueError: if ``y`` lacks a head.
        """
        if isinstance(y, dict):
            absent = [head.name for head in self.heads if head.name not in y]
            if absent:
                raise ValueError(f"the targets lack {', '.join(absent)}. Received: {', '.join(sorted(y))}")
            arrays = [y[head.name] for head in self.heads]
        elif self.masked:
            raise ValueError(f"{len(self.heads)} heads need a dict of targets. Received: one array")
        else:
            arrays = [y]
        return tuple(
            a.reshape(-1, 1) if head.units == 1 else a for head, a in zip(self.heads, arrays, strict=True)
        )

    def outputs(self, result: Any) -> list[Tensor]:
        """Return what the model returned as a list in the order of its outputs."""
        if isinstance(result, dict):
            return [result[name] for name in self._names]
        return list(result) if isinstance(result, list | tuple) else [result]

    def loss(self, index: int, target: Tensor, output: Tensor) -> Tensor:
        """Return the loss of output number ``index``, mean over the batch, a scalar, as it is trained."""
        output = ops.cast(output, "float32")
        values = self._trained[index](ops.maximum(target, 0) if self.masked else target, output)
        if self._weights[index] is not None:
            labels = ops.cast(ops.maximum(target, 0), "int32")
            values = values * ops.reshape(ops.take(self._weights[index], labels), ops.shape(values))
        if self.masked:
            known = ops.cast(target >= 0, "float32")
            values = values * ops.reshape(known, ops.shape(values))
        return ops.mean(values)

    def score(
        self, y: Arrays, predictions: Sequence[np.ndarray], *, every_metric: bool = False
    ) -> dict[str, float]:
        """Return loss and metric of every head from the predictions for a whole split.

        Keys: ``loss`` (sum over heads), ``fitness`` (mean metric, of errors their negative) and, per head,
        ``<head>_loss`` and ``<head>_<metric>``. With ``every_metric``, all metrics that are defined for a head. Means
        are over the examples that have a label for the head; no penalties are included.
        """
        result: dict[str, float] = {}
        losses, fitnesses = [], []
        for head, loss, target, output in zip(
            self.heads, self._losses, self.targets(y), predictions, strict=True
        ):
            known = target.reshape(-1) >= 0 if self.masked else slice(None)
            target, output = target[known], np.asarray(output, np.float32)[known]
            if not len(target):
                raise ValueError(f"the split has no example with a label for head {head.name!r}")
            losses.append(float(ops.mean(loss(target, output))))
            value = metric_value(head, target, output)
            fitnesses.append(fitness(head.metric, value))
            result[f"{head.name}_loss"], result[f"{head.name}_{head.metric}"] = losses[-1], value
            if every_metric:
                found = figures(head.kind, target, output, head.scale)
                result |= {f"{head.name}_{name}": figure for name, figure in found.items()}
        return {"loss": float(np.sum(losses)), "fitness": float(np.mean(fitnesses)), **result}


def _loss_function(head: Head) -> Callable[..., Tensor]:
    loss = keras.losses.get(head.loss)
    return loss.call if isinstance(loss, keras.losses.Loss) else loss  # type: ignore[no-any-return]


def _smoothed(head: Head, share: float) -> Callable[..., Tensor] | None:
    """Return the cross-entropy of a head with smoothed targets; None if there is nothing to smooth.

    Raises:
        ValueError: if the loss is no cross-entropy.
    """
    if not share:
        return None
    if head.loss == "sparse_categorical_crossentropy":
        plain = keras.losses.sparse_categorical_crossentropy

        def smoothed(target: Tensor, output: Tensor) -> Tensor:
            every = -ops.mean(ops.log(ops.clip(output, keras.config.epsilon(), 1.0)), axis=-1)
            return (1 - share) * plain(target, output) + share * every

        return smoothed
    if head.loss == "binary_crossentropy":
        return lambda y, p: keras.losses.binary_crossentropy(y, p, label_smoothing=share)
    raise ValueError(
        f"training: 'label_smoothing' needs an output with classes, trained by cross-entropy; {head.name!r} has the "
        f"loss {head.loss!r}. Received: {share}"
    )


def metric_value(head: Head, target: np.ndarray, output: np.ndarray) -> float:
    """Return the metric of a head, one of :mod:`gondwana.tasks.metrics` or of Keras; nan where it is not defined."""
    if head.metric in METRICS:
        return value_of(head.metric, head.kind, target, output, head.scale)
    metric = keras.metrics.get(head.metric)
    value = float(np.mean(ops.convert_to_numpy(metric(target, output))))
    if isinstance(
        metric, keras.metrics.Mean
    ):  # accuracies: the counts are exact, their float32 quotient is not
        return float(metric.total) / float(metric.count)
    return value
