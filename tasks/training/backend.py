"""TensorFlow: the only file of this package that imports it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from gondwana.tasks.base import Split
from gondwana.tasks.training.objective import Objective


class TensorFlowLoop:
    """One compiled training step, fed batch by batch.

    What it computes is what ``Model.train_on_batch`` computes with the same optimizer and losses: penalties of weights
    and activities, clipping, weight decay, constraints, moving averages, loss scaling; only the update is made by
    :class:`_Update`.

    On a GPU the examples are copied there once; on a CPU batches are taken from the (possibly shared) NumPy arrays.
    All batches must have one size.
    """

    def __init__(
        self, model: keras.Model, optimizer: keras.optimizers.Optimizer, objective: Objective, split: Split
    ) -> None:
        self._model, self._objective = model, objective
        variables = model.trainable_variables
        half = model.dtype_policy.name == "mixed_float16"
        self._update = (_ScaledUpdate if half else _Update)(optimizer, variables)
        self._optimizer = optimizer
        self._rate: float | None = None
        self._total = tf.Variable(0.0, trainable=False)
        self._steps = 0
        self._on_device = bool(tf.config.list_logical_devices("GPU"))
        targets = objective.targets(split.y)
        self._x = tf.constant(split.x) if self._on_device else split.x
        self._targets = [tf.constant(y) if self._on_device else y for y in targets]
        self._train: Callable[..., Any] | None = None

    def step(self, rows: np.ndarray, rate: float, x: np.ndarray | None = None) -> None:
        if rate != self._rate:
            self._optimizer.learning_rate = rate
            self._rate = rate
        take = tf.gather if self._on_device else _take
        examples = take(self._x, rows) if x is None else tf.convert_to_tensor(x)
        batch = (examples, *(take(target, rows) for target in self._targets))
        if (
            self._train is None
        ):  # jit_compile: XLA is slower than plain kernels on CPUs, and compiling costs seconds
            step = tf.function(self._traced_step, autograph=False, jit_compile=False)
            self._train = step.get_concrete_function(*batch)
        self._train(*batch)
        self._steps += 1

    def mean_loss(self) -> float:
        return float(self._total.numpy()) / max(self._steps, 1)

    def reset(self) -> None:
        self._total.assign(0.0)
        self._steps = 0

    def state(self) -> list[np.ndarray]:
        return [_value(variable) for variable in self._kept()]

    def restore(self, values: Sequence[np.ndarray]) -> None:
        for variable, value in zip(self._kept(), values, strict=True):
            variable.assign(value)

    def _kept(self) -> list[Any]:
        return [*self._optimizer.variables, *self._update.variables()]

    def _traced_step(self, x: tf.Tensor, *targets: tf.Tensor) -> None:
        model = self._model
        with tf.GradientTape() as tape:
            outputs = zip(targets, self._objective.outputs(model(x, training=True)), strict=True)
            losses = [self._objective.loss(i, target, output) for i, (target, output) in enumerate(outputs)]
            penalties = [tf.cast(tf.reduce_sum(penalty), tf.float32) for penalty in model.losses]
            loss = tf.add_n(losses + penalties)
            scaled = self._update.scaled(loss)
        self._total.assign_add(loss)
        self._update(tape.gradient(scaled, model.trainable_variables))


class _Update:
    """One update of all weights: what ``optimizer.apply`` does, without ``tf.distribute``.

    The latter keeps every graph in which it is traced alive for the life of the process, 5 to 15 MB per network.
    Adam and SGD moreover use TensorFlow's fused kernels, which compute Keras' formulas in one operation per weight
    instead of a dozen: otherwise half of the time of tracing a small network goes there. Their state lives here, not
    in the optimizer.
    """

    def __init__(self, optimizer: keras.optimizers.Optimizer, variables: Sequence[keras.Variable]) -> None:
        self._optimizer, self._variables = optimizer, list(variables)
        slots = 0
        self._apply: Callable[..., None]
        if type(optimizer) is keras.optimizers.Adam:
            self._apply, slots = self._adam, 2
        elif type(optimizer) is keras.optimizers.SGD:
            self._apply, slots = self._sgd, 1 if optimizer.momentum else 0
        else:
            optimizer.build(self._variables)
            self._apply = self._keras
        self._slots = [
            [tf.Variable(tf.zeros_like(v.value), trainable=False) for _ in range(slots)]
            for v in self._variables
        ]

    def variables(self) -> list[tf.Variable]:
        """Return what an update remembers beside the optimizer's own variables."""
        return [slot for slots in self._slots for slot in slots]

    def scaled(self, loss: tf.Tensor) -> tf.Tensor:
        """Return the loss of which the gradients are taken."""
        return self._optimizer.scale_loss(loss)

    def __call__(self, gradients: Sequence[Any]) -> None:
        optimizer = self._optimizer
        known = [i for i, gradient in enumerate(gradients) if gradient is not None]
        used = [gradients[i] for i in known]
        if optimizer.global_clipnorm is not None:
            used, _ = tf.clip_by_global_norm(used, optimizer.global_clipnorm)
        rate = tf.convert_to_tensor(optimizer.learning_rate)
        step = tf.cast(optimizer.iterations, tf.float32) + 1.0
        for index, gradient in zip(known, used, strict=True):
            variable = self._variables[index]
            if optimizer.weight_decay is not None:
                variable.assign_sub(variable * tf.cast(optimizer.weight_decay * rate, variable.dtype))
            self._apply(index, gradient, tf.cast(rate, variable.dtype), step)
            if variable.constraint is not None:
                variable.assign(variable.constraint(variable))
        optimizer.iterations.assign_add(1)

    def _keras(self, index: int, gradient: Any, rate: tf.Tensor, step: tf.Tensor) -> None:
        self._optimizer.update_step(gradient, self._variables[index], rate)

    def _adam(self, index: int, gradient: Any, rate: tf.Tensor, step: tf.Tensor) -> None:
        adam, (first, second) = self._optimizer, self._slots[index]
        tf.raw_ops.ResourceApplyAdam(
            var=self._variables[index].value.handle,
            m=first.handle,
            v=second.handle,
            beta1_power=tf.cast(tf.pow(adam.beta_1, step), rate.dtype),
            beta2_power=tf.cast(tf.pow(adam.beta_2, step), rate.dtype),
            lr=rate,
            beta1=adam.beta_1,
            beta2=adam.beta_2,
            epsilon=adam.epsilon,
            grad=tf.convert_to_tensor(gradient),
        )

    def _sgd(self, index: int, gradient: Any, rate: tf.Tensor, step: tf.Tensor) -> None:
        sgd, slots = self._optimizer, self._slots[index]
        handle, gradient = self._variables[index].value.handle, tf.convert_to_tensor(gradient)
        if slots:
            tf.raw_ops.ResourceApplyKerasMomentum(
                var=handle,
                accum=slots[0].handle,
                lr=rate,
                grad=gradient,
                momentum=sgd.momentum,
                use_nesterov=sgd.nesterov,
            )
        else:
            tf.raw_ops.ResourceApplyGradientDescent(var=handle, alpha=rate, delta=gradient)


class _ScaledUpdate(_Update):
    """An update in half precision, which gradients of the loss itself would underflow.

    What ``keras.optimizers.LossScaleOptimizer`` does, without ``tf.distribute``: gradients are those of the loss times
    a factor; if all are finite they are divided by it and applied, else the step is left out and the factor halved.
    After so many finite steps in succession it is doubled.
    """

    def __init__(self, optimizer: keras.optimizers.Optimizer, variables: Sequence[keras.Variable]) -> None:
        super().__init__(optimizer, variables)
        defaults = keras.optimizers.LossScaleOptimizer(optimizer)
        self._patience = int(defaults.dynamic_growth_steps)
        self._factor = tf.Variable(float(defaults.initial_scale), trainable=False)
        self._finite = tf.Variable(0, trainable=False)

    def variables(self) -> list[tf.Variable]:
        return [*super().variables(), self._factor, self._finite]

    def scaled(self, loss: tf.Tensor) -> tf.Tensor:
        return super().scaled(loss) * self._factor

    def __call__(self, gradients: Sequence[Any]) -> None:
        dense = [None if gradient is None else tf.convert_to_tensor(gradient) for gradient in gradients]
        known = [gradient for gradient in dense if gradient is not None]
        finite = tf.reduce_all([tf.reduce_all(tf.math.is_finite(gradient)) for gradient in known])
        tf.cond(finite, lambda: self._accepted(dense), self._left_out)

    def _accepted(self, gradients: Sequence[Any]) -> None:
        super().__call__([None if g is None else g / tf.cast(self._factor, g.dtype) for g in gradients])
        grown = tf.equal(self._finite, self._patience - 1)
        self._factor.assign(tf.where(grown, self._factor * 2.0, self._factor))
        self._finite.assign(tf.where(grown, 0, self._finite + 1))

    def _left_out(self) -> None:
        self._factor.assign(self._factor / 2.0)
        self._finite.assign(0)


class Predictor:
    """The outputs of a model in inference mode, again and again, traced once.

    Args:
        model: whose present weights are used at each call.
        like: examples of the shape and type of those that will come.
        batch_size: rows per pass.
    """

    def __init__(self, model: keras.Model, like: np.ndarray, batch_size: int) -> None:
        def outputs(batch: tf.Tensor) -> Any:
            return model(batch, training=False)

        self._size = batch_size
        shape = tf.TensorSpec((None, *like.shape[1:]), like.dtype)
        self._forward = tf.function(outputs, autograph=False, jit_compile=False).get_concrete_function(shape)

    def __call__(self, x: np.ndarray) -> list[np.ndarray]:
        """Return one array per output."""
        size, parts = self._size, []
        for start in range(0, len(x), size):
            batch = x[start : start + size]
            missing = size - len(batch)
            if missing and start:  # all passes of a large split have one size, and so the same kernels
                batch = np.concatenate([batch, np.repeat(batch[-1:], missing, axis=0)])
            result = self._forward(tf.convert_to_tensor(batch))
            flat = keras.tree.flatten(result)
            parts.append([part.numpy()[: len(x) - start] for part in flat])
        return [np.concatenate(column) for column in zip(*parts, strict=True)]


def set_threads(count: int) -> None:
    """Let TensorFlow use ``count`` threads; it ignores ``OMP_NUM_THREADS``, which Ray sets for its workers.

    Raises:
        RuntimeError: if TensorFlow has already run an operation.
    """
    tf.config.threading.set_intra_op_parallelism_threads(count)
    tf.config.threading.set_inter_op_parallelism_threads(count)


def _take(array: np.ndarray, rows: np.ndarray) -> tf.Tensor:
    return tf.convert_to_tensor(np.take(array, rows, axis=0))


def _value(variable: Any) -> np.ndarray:
    return np.array(keras.ops.convert_to_numpy(variable))
