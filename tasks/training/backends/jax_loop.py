"""Training steps on JAX: one compiled program for one network, or for several of one structure.

On an accelerator the program is a loop over many steps, and several networks are one batch of it (``vmap``). XLA's
code for CPUs is another matter: inside a loop a convolution took 100 times as long as outside (JAX 0.10), and
convolutions with a kernel per network become grouped ones, which are as slow. On CPUs the program is therefore one step
of one network, compiled once, and the networks take turns.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import jax
import keras
import numpy as np
from jax import numpy as jnp

from gondwana.tasks.base import Split
from gondwana.tasks.training.backends.jax_cache import use_cache
from gondwana.tasks.training.objective import Objective

STEPS = 64
"""Most steps of one call of a program that loops over them."""

MOST_BYTES = 64e6
"""Most bytes of examples that are handed to one such call, where they are not on the device already."""


class State(NamedTuple):
    """All that a step of one network changes: values of its variables and of its optimizer, and the sum of losses."""

    trainable: list[jax.Array]
    other: list[jax.Array]
    optimizer: list[jax.Array]
    total: jax.Array


class JaxTrainer:
    """Steps of networks that differ in the values of their variables and in their learning rates only.

    What it computes for each is what ``Model.train_on_batch`` computes: penalties of weights and activities, clipping,
    weight decay, constraints, moving averages, loss scaling. A network whose numbers are not finite does not touch the
    others. The models have their new weights after :meth:`push`, not before; steps may wait until then.

    Args:
        models: of one structure; the first one is traced, with what is attached to its variables (regularizers).
        optimizer: not built yet; for one network it also holds the optimizer's state, for several only its beginning.
        objective: of the first model.
        split: training examples, kept on the device.
        fused: loop over the steps inside of the program, and over the networks by ``vmap``; None decides by device.
    """

    def __init__(
        self,
        models: Sequence[keras.Model],
        optimizer: keras.optimizers.Optimizer,
        objective: Objective,
        split: Split,
        fused: bool | None = None,
    ) -> None:
        use_cache()
        self._fused = jax.default_backend() != "cpu" if fused is None else fused
        self._models = list(models)
        self._objective = objective
        if self._models[0].dtype_policy.name == "mixed_float16":
            optimizer = keras.optimizers.LossScaleOptimizer(optimizer)
        optimizer.build(self._models[0].trainable_variables)
        self._optimizer = optimizer
        rate = optimizer.learning_rate
        self._rate_index = next(i for i, v in enumerate(optimizer.variables) if v is rate)
        self._rate_type = rate.dtype
        self._x = jnp.asarray(split.x)
        self._targets = tuple(jnp.asarray(y) for y in objective.targets(split.y))
        self._kept = [_values(optimizer.variables) for _ in self._models]
        self._totals: list[Any] = [0.0 for _ in self._models]
        self._states: list[State] = []
        """On the device while steps are made; empty while the models hold the values."""
        self._programs: dict[bool, Callable[..., Any]] = {}
        self._waiting: list[tuple[np.ndarray, np.ndarray, np.ndarray | None]] = []
        self._steps = 0

    def step(
        self,
        rows: np.ndarray,
        rates: np.ndarray,
        x: np.ndarray | None = None,
        alive: Sequence[int] | None = None,
    ) -> None:
        """Train each network on rows of the split.

        Args:
            rows: shape (networks, batch).
            rates: learning rates, shape (networks,).
            x: examples instead of those of the rows, shape (networks, batch, ...).
            alive: numbers of the networks that still matter; the others may be left as they are. None for all.
        """
        self._pull()
        self._steps += 1
        if not self._fused:
            for i in range(len(self._models)) if alive is None else alive:
                batch = (self._x, self._targets, rows[i].astype(np.int32), np.float32(rates[i]))
                examples = () if x is None else (x[i],)
                self._states[i] = self._program(self._states[i], *batch, *examples)
            return
        self._waiting.append((rows, rates, x))
        most = STEPS if x is None else max(1, min(STEPS, int(MOST_BYTES // x.nbytes)))
        if len(self._waiting) >= most or not self._programs:  # the first step shows what compiling costs
            self._flush(most)

    def mean_losses(self) -> np.ndarray:
        """Return the mean loss of each network since :meth:`reset`; hand the weights to the models."""
        self.push()
        return np.array([float(total) for total in self._totals]) / max(self._steps, 1)

    def reset(self) -> None:
        """Begin a new mean of the losses."""
        self.push()
        self._steps = 0
        self._totals = [0.0 for _ in self._models]

    def push(self) -> None:
        """Make the steps that wait, and hand values to the models, and to the optimizer of a single one."""
        self._flush(STEPS)
        for i, (model, state) in enumerate(zip(self._models, self._states, strict=bool(self._states))):
            _assign(model.trainable_variables, state.trainable)
            _assign(model.non_trainable_variables, state.other)
            self._kept[i], self._totals[i] = state.optimizer, state.total
        if self._states and len(self._models) == 1:
            _assign(self._optimizer.variables, self._kept[0])
        self._states = []

    @property
    def optimizer_variables(self) -> list[keras.Variable]:
        """Variables of the optimizer; they have values of a training only if it is that of a single network."""
        return list(self._optimizer.variables)

    def _pull(self) -> None:
        """Copy the values from the models: a program overwrites what it is given, and others may look at theirs."""
        if self._states:
            return
        if len(self._models) == 1:
            self._kept[0] = _values(self._optimizer.variables)
        for model, kept, total in zip(self._models, self._kept, self._totals, strict=True):
            self._states.append(
                State(
                    [jnp.copy(v.value) for v in model.trainable_variables],
                    [jnp.copy(v.value) for v in model.non_trainable_variables],
                    [jnp.copy(value) for value in kept],
                    jnp.array(total, jnp.float32),
                )
            )

    def _flush(self, most: int) -> None:
        if not self._waiting:
            return
        count = len(self._waiting)
        rows, rates, examples = zip(*self._waiting, strict=True)
        self._waiting = []
        given = examples[0] is not None
        most = most if not given else max(1, min(STEPS, int(MOST_BYTES // examples[0].nbytes)))
        padding = most - count  # one shape, compiled once; the loop ends after `count` steps
        args = [_padded(rows, padding).astype(np.int32), _padded(rates, padding).astype(np.float32)]
        if given:
            args.append(_padded(examples, padding))
        many = len(self._states) > 1
        state = jax.tree.map(lambda *leaves: jnp.stack(leaves), *self._states) if many else self._states[0]
        args = args if many else [arg[:, 0] for arg in args]
        state = self._program(state, self._x, self._targets, *args, steps=count)
        if many:
            leaves, form = jax.tree.flatten(state)
            split = zip(*(list(leaf) for leaf in leaves), strict=True)
            self._states = [jax.tree.unflatten(form, one) for one in split]
        else:
            self._states = [state]

    def _program(self, state: State, *args: Any, steps: int | None = None) -> Any:
        """Run the compiled program; compile it first if examples are given, or are not, for the first time."""
        given = len(args) > 4
        args = args if steps is None else (*args, np.int32(steps))
        if given not in self._programs:
            function = self._one if steps is None else self._several
            self._programs[given] = jax.jit(function, donate_argnums=0).lower(state, *args).compile()
        return self._programs[given](state, *args)

    def _one(self, state: State, x: Any, targets: Any, rows: Any, rate: Any, examples: Any = None) -> State:
        batch = tuple(target[rows] for target in targets)
        return self._stepped(state, x[rows] if examples is None else examples, batch, rate)

    def _several(self, state: State, x: Any, targets: Any, rows: Any, rates: Any, *rest: Any) -> State:
        """Loop over the first axis of ``rows`` and ``rates``; a second axis of ``rates`` is that of networks."""
        examples, steps = (rest[0] if len(rest) == 2 else None), rest[-1]

        def body(i: Any, state: State) -> State:
            given = () if examples is None else (examples[i],)
            one = self._one
            if rates.ndim == 2:
                one = jax.vmap(self._one, in_axes=(0, None, None, 0, 0, *(0 for _ in given)))
            result: State = one(state, x, targets, rows[i], rates[i], *given)
            return result

        done: State = jax.lax.fori_loop(0, steps, body, state)
        return done

    def _stepped(self, state: State, x: Any, targets: Sequence[Any], rate: Any) -> State:
        model, optimizer, objective = self._models[0], self._optimizer, self._objective
        remembered = list(state.optimizer)
        remembered[self._rate_index] = jnp.asarray(rate, self._rate_type)
        fixed = [
            *zip(model.non_trainable_variables, state.other, strict=True),
            *zip(optimizer.variables, remembered, strict=True),  # penalties may read the learning rate
        ]

        def loss_of(trainable: Sequence[Any]) -> tuple[Any, tuple[Any, list[Any]]]:
            mapping = [*zip(model.trainable_variables, trainable, strict=True), *fixed]
            with keras.StatelessScope(state_mapping=mapping, collect_losses=True) as scope:
                outputs = objective.outputs(model(x, training=True))
                losses = [
                    objective.loss(i, y, p) for i, (y, p) in enumerate(zip(targets, outputs, strict=True))
                ]
                losses += [jnp.sum(penalty).astype(jnp.float32) for penalty in model.losses]
                loss = sum(losses[1:], losses[0])
                scaled = optimizer.scale_loss(loss)
            return scaled, (loss, [scope.get_current_value(v) for v in model.non_trainable_variables])

        gradients, (loss, other) = jax.grad(loss_of, has_aux=True)(state.trainable)
        trainable, remembered = optimizer.stateless_apply(remembered, gradients, state.trainable)
        return State(list(trainable), other, list(remembered), state.total + loss)


class JaxLoop:
    """The steps of one network; see :class:`gondwana.tasks.training.loops.Loop`."""

    def __init__(
        self,
        model: keras.Model,
        optimizer: keras.optimizers.Optimizer,
        objective: Objective,
        split: Split,
        fused: bool | None = None,
    ) -> None:
        self._trainer = JaxTrainer([model], optimizer, objective, split, fused)

    def step(self, rows: np.ndarray, rate: float, x: np.ndarray | None = None) -> None:
        self._trainer.step(rows[None], np.array([rate]), None if x is None else x[None])

    def mean_loss(self) -> float:
        return float(self._trainer.mean_losses()[0])

    def reset(self) -> None:
        self._trainer.reset()

    def state(self) -> list[np.ndarray]:
        self._trainer.push()
        return [np.array(keras.ops.convert_to_numpy(v)) for v in self._trainer.optimizer_variables]

    def restore(self, values: Sequence[np.ndarray]) -> None:
        self._trainer.push()
        _assign(self._trainer.optimizer_variables, values)


class JaxPredictor:
    """The outputs of a model in inference mode, compiled at the first call, with its weights of that moment.

    Args:
        model: the network.
        batch_size: rows per pass.
        program: of another predictor, whose model has the same structure; see :meth:`like`.
    """

    def __init__(self, model: keras.Model, batch_size: int, program: dict[str, Any] | None = None) -> None:
        use_cache()
        self._model, self._size = model, batch_size
        self._program: dict[str, Any] = {} if program is None else program

    def like(self, model: keras.Model) -> JaxPredictor:
        """Return a predictor for a model that differs in the values of its variables only; it is not compiled anew."""
        return JaxPredictor(model, self._size, self._program)

    def __call__(self, x: np.ndarray) -> list[np.ndarray]:
        """Return one array per output."""
        model, parts = self._model, []
        values = (_values(model.trainable_variables), _values(model.non_trainable_variables))
        for start in range(0, len(x), self._size):
            batch = x[start : start + self._size]
            missing = self._size - len(batch)
            if missing:
                batch = np.concatenate([batch, np.repeat(batch[-1:], missing, axis=0)])
            if "forward" not in self._program:
                self._program["forward"] = jax.jit(self._forward).lower(*values, batch).compile()
            outputs = keras.tree.flatten(self._program["forward"](*values, batch))
            parts.append([np.asarray(output)[: self._size - missing] for output in outputs])
        return [np.concatenate(column) for column in zip(*parts, strict=True)]

    def _forward(self, trainable: list[Any], other: list[Any], batch: Any) -> Any:
        return self._model.stateless_call(trainable, other, batch, training=False)[0]


def _values(variables: Sequence[keras.Variable]) -> list[jax.Array]:
    return [jnp.asarray(variable.value) for variable in variables]


def _assign(variables: Sequence[keras.Variable], values: Sequence[Any]) -> None:
    for variable, value in zip(variables, values, strict=True):
        variable.assign(value)


def _padded(arrays: Sequence[np.ndarray], count: int) -> np.ndarray:
    stacked = np.stack(arrays)
    return np.concatenate([stacked, np.repeat(stacked[-1:], count, axis=0)]) if count else stacked
