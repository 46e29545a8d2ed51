"""Operations that no rule or integral covers: run on seeded draws that have the planned statistics.

The draws start where the signal is Gaussian by theory (inputs of the model, outputs of layers with weights) and run
through everything between there and the operation. What is positive by construction is positive in the draws too, and
tensors that come from the same source depend on one another as they do in the model.
"""

from __future__ import annotations

import inspect
import random
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import keras
import numpy as np

from gondwana.autoinit.draws import Float32, generator
from gondwana.autoinit.errors import AutoInitError
from gondwana.autoinit.frontends.keras.graph import Slot, Step, sublayers
from gondwana.autoinit.moments.gaussian import Array
from gondwana.autoinit.registry import Settings
from gondwana.autoinit.rules.pooling import UNKNOWN_SIZE
from gondwana.autoinit.signals.signal import Signal
from gondwana.autoinit.signals.window import Shape

_ENTRIES = 1 << 19
"""Entries of the largest tensor that is drawn, which bounds time and memory."""

_MAX_ROWS = 1024
_FEW = 1000
_DOMINANT = 0.2
"""Share of the sum of squares that one of at least ``_FEW`` values has only where the variance is not finite."""


class Simulation:
    """Draws of the tensors of one walk over a graph; each operation is run at most once.

    Args:
        steps: of the graph, in order.
        shapes: of its tensors, with the batch axis.
        dtypes: of its tensors.
        settings: of the plan.
    """

    def __init__(
        self, steps: Sequence[Step], shapes: Sequence[Shape], dtypes: Sequence[str], settings: Settings
    ) -> None:
        self.shapes, self.dtypes, self.settings = shapes, dtypes, settings
        self.producer = {index: step for step in steps for index in step.outputs}
        self.values: dict[int, Any] = {}
        self.open: set[int] = set()
        self.copies: dict[int, Any] = {}
        largest = max((_entries(shape) for shape in shapes), default=1)
        self.rows = int(np.clip(_ENTRIES // largest, 4, _MAX_ROWS))

    def depends(self, step: Step) -> bool:
        """Whether an operation without weights gets a tensor whose law only the draws know."""
        return not self.open.isdisjoint(step.inputs) and not _has_weights(step.operation)

    def run(self, step: Step, signals: Mapping[int, Signal]) -> tuple[Signal, ...]:
        """Return the signals of the outputs of ``step``, given those of all tensors before it."""
        self._execute(step, signals)
        self.open.update(step.outputs)
        return tuple(self._signal(step, index) for index in step.outputs)

    def _value(self, index: int, signals: Mapping[int, Signal]) -> Any:
        if index not in self.values:
            step = self.producer.get(index)
            if step is None or (index not in self.open and _has_weights(step.operation)):
                drawn = self._drawn(index, signals[index])
                self.values[index] = keras.ops.convert_to_tensor(drawn, dtype=self.dtypes[index])
            else:
                self._execute(step, signals)
        return self.values[index]

    def _execute(self, step: Step, signals: Mapping[int, Signal]) -> None:
        if all(index in self.values for index in step.outputs):
            return
        tensors = [self._value(index, signals) for index in step.inputs]

        def filled(value: Any) -> Any:
            return tensors[value.position] if isinstance(value, Slot) else value

        arguments = keras.tree.map_structure(filled, step.arguments)
        keywords = keras.tree.map_structure(filled, dict(step.keywords))
        with _own_stream(self.settings.seed):
            operation = self._copy(step)
            if isinstance(operation, keras.Layer):
                if "training" in inspect.signature(operation.call).parameters:
                    keywords["training"] = True
                with states_kept(operation):
                    result = operation(*arguments, **keywords)
            else:
                result = operation.call(*arguments, **keywords)
        self.values.update(zip(step.outputs, keras.tree.flatten(result), strict=True))

    def _copy(self, step: Step) -> Any:
        """Return a fresh copy of a layer, drawn by its own initializers; the layer where it cannot be copied."""
        operation = step.operation
        if not isinstance(operation, keras.Layer) or self.settings.weights == "actual":
            return operation
        if id(operation) not in self.copies:
            try:
                self.copies[id(operation)] = type(operation).from_config(operation.get_config())
            except (TypeError, ValueError, NotImplementedError) as error:
                warnings.warn(
                    f"layer {step.name!r} is simulated with the weights that it has, because it cannot be copied "
                    f"from its config ({str(error).splitlines()[0]}). Define get_config for it",
                    stacklevel=6,
                )
                self.copies[id(operation)] = operation
        return self.copies[id(operation)]

    def _drawn(self, index: int, signal: Signal) -> Float32:
        shape = tuple(size or UNKNOWN_SIZE for size in self.shapes[index][1:])
        rows = self.shapes[index][0] or self.rows
        rng = generator(self.settings.seed, index)
        common = max(signal.covariance, 0.0) if self.settings.exact else 0.0
        values = max(signal.variance - common, 0.0) ** 0.5 * rng.standard_normal((rows, *shape))
        if common:
            values += common**0.5 * rng.standard_normal((rows, *(1 for _ in shape[:-1]), *shape[-1:]))
        return np.asarray(signal.mean + values, np.float32)

    def _signal(self, step: Step, index: int) -> Signal:
        values = np.asarray(keras.ops.convert_to_numpy(self.values[index]), np.float64)
        finite = np.isfinite(values)
        if not finite.all():
            warnings.warn(
                f"{type(step.operation).__name__} {step.name!r} is not defined for all of its inputs: "
                f"{1 - finite.mean():.2%} of its simulated values are not finite and are left out of the plan",
                stacklevel=6,
            )
            if not finite.any():
                raise AutoInitError(
                    f"{type(step.operation).__name__} {step.name!r} cannot be planned: none of its simulated values "
                    "is finite. Register a rule for its class with @autoinit.rule"
                )
            values = np.where(finite, values, values[finite].mean())
        self._warn_of_heavy_tails(step, values)
        return measured_signal(values, exact=self.settings.exact)

    def _warn_of_heavy_tails(self, step: Step, values: Array) -> None:
        squares = np.square(values)
        if values.size >= _FEW and squares.max() > _DOMINANT * squares.sum():
            warnings.warn(
                f"{type(step.operation).__name__} {step.name!r} seems to have no finite variance: one of its "
                f"{values.size} simulated values holds {squares.max() / squares.sum():.0%} of their mean square",
                stacklevel=7,
            )


def is_joint(operation: Any) -> bool:
    """Whether an operation mixes entries that depend on one another in a way that no rule covers."""
    if isinstance(operation, keras.layers.Dot):
        return bool(operation.normalize)
    return getattr(operation, "interpolation", "nearest") != "nearest"


def measured_signal(values: Array, *, exact: bool) -> Signal:
    """Return the signal of values of shape (batch, positions..., channels), to four digits."""
    mean, variance = float(f"{values.mean():.4g}"), float(f"{values.var():.4g}")
    if not exact or values.ndim < 3:
        return Signal(mean, variance, variance if exact else 0.0)
    rows = values.reshape(len(values), -1, values.shape[-1]) - values.mean()
    count = rows.shape[1]
    if count == 1:
        return Signal(mean, variance, variance)
    pairs = np.square(rows.sum(axis=1)) - np.square(rows).sum(axis=1)
    covariance = float(f"{pairs.mean() / (count * (count - 1)):.4g}")
    return Signal(mean, variance, min(max(covariance, 0.0), variance))


@contextmanager
def states_kept(layer: Any) -> Iterator[None]:
    """Put back the variables that a layer changes when it runs."""
    seeds = [g.state for part in sublayers(layer) for g in getattr(part, "_seed_generators", ())]
    kept = [(v, keras.ops.convert_to_numpy(v)) for v in [*layer.non_trainable_variables, *seeds]]
    try:
        yield
    finally:
        for variable, value in kept:
            variable.assign(value)


@contextmanager
def _own_stream(seed: int) -> Iterator[None]:
    """Let layers that are copied take their seeds from a stream of the plan; Keras draws them with ``random``."""
    before = random.getstate()
    random.seed(seed)
    try:
        yield
    finally:
        random.setstate(before)


def _has_weights(operation: Any) -> bool:
    return isinstance(operation, keras.Layer) and bool(operation.weights)


def _entries(shape: Shape) -> int:
    return int(np.prod([size or UNKNOWN_SIZE for size in shape[1:]], dtype=np.int64))
