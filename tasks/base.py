"""What a task is: what goes in, what comes out, and three splits of real data.

A search sees :meth:`Task.search_data` only. :meth:`Task.test_data` is a call of its own, made once for the final
networks of a run, so that nothing can select on the test split by accident.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from gondwana.tasks.metrics import BINARY, CLASSES, LABELS, NUMBER, find_for, fitness

Arrays = np.ndarray | dict[str, np.ndarray]


@dataclass(frozen=True, slots=True)
class Head:
    """One output of the network.

    Attributes:
        name: name of the output layer.
        units: number of output units.
        activation: Keras name of the output activation.
        loss: Keras name of the loss.
        metric: name of the metric that is the fitness, of :mod:`gondwana.tasks.metrics` or of Keras. The fitness is the
            negative of a metric that measures errors.
        chance: value of that metric for the best constant answer; what a diverged training is scored with.
        scale: mean and deviation by which numbers were standardized; errors are shown in the units from before.
    """

    name: str
    units: int
    activation: str
    loss: str
    metric: str
    chance: float
    scale: tuple[float, float] = (0.0, 1.0)

    @property
    def kind(self) -> str:
        """What is predicted: one of the kinds of :mod:`gondwana.tasks.metrics`, by activation and loss."""
        if self.activation == "softmax" or "categorical" in self.loss:
            return CLASSES
        if self.activation == "sigmoid" and "binary" in self.loss:
            return BINARY if self.units == 1 else LABELS
        return NUMBER

    def scored_by(self, name: str) -> Head:
        """Return this head with another metric as its fitness, and the chance level of that.

        Raises:
            ValueError: if there is no such metric, or it is not defined for such a head.
        """
        metric = find_for(name, self.kind, self.name)
        if name == "accuracy" and self.metric.endswith("accuracy"):
            return replace(self, metric=name)  # the task knows its chance level better
        chance = metric.chance(2 if self.units == 1 else self.units)
        return replace(self, metric=name, chance=chance * self.scale[1] if metric.in_units else chance)


@dataclass(frozen=True, slots=True)
class TaskInfo:
    """What a search needs to know about a task without loading its data.

    Attributes:
        name: registered name.
        input_shape: shape of one example, without the batch.
        heads: outputs; the fitness of several heads is the mean of their metrics.
        input_dtype: dtype name of the examples, ``"float32"`` or, for token ids, ``"int32"``.
        input_mean, input_variance: over all entries of the training examples as the network receives them, which is
            what AutoInit starts from.
        vocabulary: for token ids, number of different ids; None otherwise.
        options: the options that the task was made with, JSON.
    """

    name: str
    input_shape: tuple[int, ...]
    heads: tuple[Head, ...]
    input_dtype: str = "float32"
    input_mean: float = 0.0
    input_variance: float = 1.0
    vocabulary: int | None = None
    options: Mapping[str, Any] = field(default_factory=dict)

    @property
    def chance(self) -> float:
        """Fitness of the best constant answer, mean over heads."""
        return sum(fitness(head.metric, head.chance) for head in self.heads) / len(self.heads)


@dataclass(frozen=True, slots=True)
class Split:
    """Examples and their targets; first axis is the example.

    Attributes:
        x: examples as the network receives them (already preprocessed), C-contiguous.
        y: targets; a dict by head name when there are several heads, where a target below 0 means that the example has
            no label for that head.
        variants: further versions of ``x``, of the same shape, augmented when the data was made; epoch e trains on
            version e modulo ``1 + len(variants)``.
    """

    x: np.ndarray
    y: Arrays
    variants: tuple[np.ndarray, ...] = ()

    def __len__(self) -> int:
        return len(self.x)


@dataclass(frozen=True, slots=True)
class SearchData:
    """The two splits that a search may see."""

    train: Split
    validation: Split


class Task(ABC):
    """A dataset with its splits, preprocessing, loss and metric.

    Subclasses are registered by name in :mod:`gondwana.tasks.registry`. Construction is cheap and touches no data.
    """

    @property
    @abstractmethod
    def info(self) -> TaskInfo:
        """What goes in and what comes out."""

    @abstractmethod
    def search_data(self, data_dir: Path | None = None) -> SearchData:
        """Load, preprocess and return the training and validation splits.

        Preprocessing is fitted on training rows only. The result depends on the task's options alone.

        Args:
            data_dir: folder that holds a folder per dataset; None means ``$GONDWANA_DATA``, then the user's cache.

        Raises:
            gondwana.tasks.data.MissingDataError: if the files are neither there nor to be had.
        """

    @abstractmethod
    def test_data(self, data_dir: Path | None = None) -> Split:
        """Load, preprocess and return the test split. Raises as :meth:`search_data`."""

    def resolved(self, data_dir: Path | None = None) -> Task:
        """Return the task with everything written into its options that it infers from its training rows.

        A run calls it once, before anything else, and records the options of what it returns: workers, and a run that
        is resumed, need not look at the data to know what goes in and what comes out. Most tasks infer nothing.

        Raises:
            ValueError: if the data are missing, or nothing can be learned from them.
        """
        return self

    def describe(self) -> tuple[str, ...]:
        """Return in lines what was inferred, for people."""
        return ()

    def preprocessing(self, data_dir: Path | None = None) -> Mapping[str, Any] | None:
        """Return what makes inputs of rows as people have them, and answers of outputs, as a JSON object.

        See :mod:`gondwana.tasks.own_data.answers`. None if the task has no such thing.
        """
        return None
