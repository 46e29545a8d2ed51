"""Train a network by a recipe, and score it: one loop for all tasks and backends."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import keras
import numpy as np

from gondwana.tasks.base import SearchData, Split, TaskInfo
from gondwana.tasks.training.early_stopping import EarlyStopping
from gondwana.tasks.training.loops import Loop, make_loop, predict
from gondwana.tasks.training.objective import Objective
from gondwana.tasks.training.penalties import weight_penalties
from gondwana.tasks.training.recipe import Recipe
from gondwana.tasks.training.scoring import SCORING_BATCH, Scorer
from gondwana.tasks.training.state import TrainingState
from gondwana.tasks.training.weighting import class_weights

FIRST_CHECK = 10
"""Number of steps after which the loss is looked at for the first time: most hopeless networks diverge before."""


class Diverged(Exception):  # noqa: N818  (a state of an outcome, not an error)
    """The loss or a weight is not finite. A result of the training, not an error of the program."""


@dataclass(frozen=True, slots=True)
class Epoch:
    """One pass over the training examples.

    Attributes:
        epoch: its number, from 0.
        loss: mean training loss over its steps, penalties included, each step's taken before its update.
        learning_rate: at its last step.
        seconds: wall seconds.
    """

    epoch: int
    loss: float
    learning_rate: float
    seconds: float


@dataclass(frozen=True, slots=True)
class History:
    """Record of a finished training.

    Attributes:
        epochs: one record per epoch that was trained now.
        steps: number of updates of the weights since they were initialized.
        seconds: wall seconds of the whole training.
        first_step_seconds: wall seconds of the first step, most of which is tracing and compiling.
        state: from which the training can go on, if it was to end before the recipe's last epoch.
    """

    epochs: tuple[Epoch, ...]
    steps: int
    seconds: float
    first_step_seconds: float
    state: TrainingState | None = None


def train(
    model: keras.Model,
    data: SearchData,
    info: TaskInfo,
    recipe: Recipe,
    seed: int,
    *,
    on_epoch: Callable[[Epoch], None] | None = None,
    until: int | None = None,
    start: TrainingState | None = None,
) -> History:
    """Train a model in place on the training split.

    All batches are full: the last one of an epoch is filled up from the beginning of the epoch's permutation, so every
    example is seen in every epoch, a few of them twice, and the step is traced once. Batches are at most as large as
    the split. With ``steps_per_epoch`` an epoch is so many batches from one fresh permutation after the other.

    The same model, data, recipe and seed give the same weights on one machine with one number of threads: the seed
    decides the order of examples, augmentation, and the state of every seed generator in the model (dropout masks).

    Args:
        model: functional model with initialized weights, outputs named after the heads of the task.
        data: splits; only ``train`` is used, unless the recipe stops early.
        info: the task.
        recipe: how to train.
        seed: at least 0.
        on_epoch: called after each epoch; what it raises ends the training.
        until: number of epochs after which to end for the time being; None for all of the recipe. The learning rate
            takes the course that it has in the whole training.
        start: of an earlier call with the same arguments but for ``until``; the weights come out as if there had been
            one call.

    Raises:
        StateError: if ``start`` is not one of this model; nothing was changed.
        Diverged: as soon as the mean loss or a weight is found not to be finite (looked at after
            :data:`FIRST_CHECK` steps and after each epoch).
        ValueError: if the outputs of the model are not the task's heads.
    """
    begin = time.perf_counter()
    optimizer = make_optimizer(recipe)
    reseed(model, seed)
    kept = [*model.trainable_variables, *model.non_trainable_variables]
    batch = min(recipe.batch_size, len(data.train))
    steps = recipe.steps_per_epoch or math.ceil(len(data.train) / batch)
    last = recipe.epochs if until is None else min(until, recipe.epochs)
    epochs: list[Epoch] = []
    first_step = 0.0
    with weight_penalties(model, recipe, optimizer):
        loop = make_loop(model, optimizer, trained_objective(model, info, recipe, data.train), data.train)
        first = 0 if start is None else _restore(start, kept, loop)
        watch = early_end(model, data, info, recipe, kept, steps * batch)
        for epoch in range(first, last):
            rows = batches(data.train, recipe, seed, epoch, (steps, batch))
            done, seconds = _one_epoch(model, loop, rows, recipe, epoch, steps)
            first_step = first_step or seconds
            epochs.append(done)
            if on_epoch is not None:
                on_epoch(done)
            if watch is not None and watch.is_over():
                break
        if watch is not None:
            watch.restore()
        state = TrainingState(last, _values(kept), loop.state()) if last < recipe.epochs else None
    return History(
        tuple(epochs), steps * (first + len(epochs)), time.perf_counter() - begin, first_step, state
    )


def trained_objective(model: keras.Model, info: TaskInfo, recipe: Recipe, split: Split) -> Objective:
    """Return what a recipe trains a model for: with its weights of classes and its smoothing of labels."""
    found = {
        head.name: class_weights(
            recipe.class_weight, head, split.y[head.name] if isinstance(split.y, dict) else split.y
        )
        for head in info.heads
    }
    weights = {name: weight for name, weight in found.items() if weight is not None}
    return Objective(model, info, label_smoothing=recipe.label_smoothing, weights=weights)


def early_end(
    model: keras.Model,
    data: SearchData,
    info: TaskInfo,
    recipe: Recipe,
    variables: Sequence[keras.Variable],
    examples: int,
) -> EarlyStopping | None:
    """Return what ends the training early, None if the recipe does not; ``examples`` are those of an epoch."""
    if recipe.early_stopping is None:
        return None
    return EarlyStopping(Scorer(model, data.validation, info, examples), recipe.early_stopping, variables)


def _values(variables: Sequence[keras.Variable]) -> list[np.ndarray]:
    return [np.array(keras.ops.convert_to_numpy(variable)) for variable in variables]


def _restore(start: TrainingState, variables: Sequence[keras.Variable], loop: Loop) -> int:
    """Set weights and optimizer to where they were; return the number of epochs that are behind them."""
    start.check(_values(variables), loop.state())
    for variable, value in zip(variables, start.model, strict=True):
        variable.assign(value)
    loop.restore(start.loop)
    return start.epochs


def _one_epoch(
    model: keras.Model,
    loop: Loop,
    batches: Iterator[tuple[np.ndarray, np.ndarray | None]],
    recipe: Recipe,
    epoch: int,
    steps: int,
) -> tuple[Epoch, float]:
    """Run the steps of an epoch; return its record, and the wall seconds until the first step was done.

    Raises:
        Diverged: if the mean loss or a weight is not finite.
    """
    start, first_step = time.perf_counter(), 0.0
    rates = recipe.learning_rate * recipe.schedule.factors(epoch, recipe.epochs, steps)
    loop.reset()
    for step, ((rows, x), rate) in enumerate(zip(batches, rates, strict=True)):
        loop.step(rows, float(rate), x)
        if step == 0:
            first_step = time.perf_counter() - start
        if epoch == 0 and step + 1 == FIRST_CHECK:
            _check_loss(loop, f"within the first {FIRST_CHECK} steps")
    loss = _check_loss(loop, f"in epoch {epoch + 1} of {recipe.epochs}")
    check_weights(model, epoch, recipe)
    return Epoch(epoch, loss, float(rates[-1]), time.perf_counter() - start), first_step


def score(model: keras.Model, split: Split, info: TaskInfo) -> dict[str, float]:
    """Return loss and metrics of the model on a split, in inference mode.

    Returns:
        ``fitness`` (metric, mean over heads, larger is better), ``loss`` (sum over heads, without penalties), and per
        head ``<head>_loss`` and ``<head>_<metric>``. Not finite if the predictions are not.

    Raises:
        ValueError: if the outputs of the model are not the task's heads, or the split is empty.
    """
    objective = Objective(model, info)
    return objective.score(split.y, predict(model, split.x, SCORING_BATCH), every_metric=True)


def reseed(model: keras.Model, seed: int) -> None:
    """Set every seed generator in the model (dropout, noise) from ``seed``, each differently."""
    states = [v for v in model.non_trainable_variables if v.name == "seed_generator_state"]
    numbers = np.random.SeedSequence(seed, spawn_key=(2**31,)).generate_state(len(states))
    for state, number in zip(states, numbers, strict=True):
        state.assign([int(number) >> 1, 0])


def batches(
    split: Split, recipe: Recipe, seed: int, epoch: int, shape: tuple[int, int]
) -> Iterator[tuple[np.ndarray, np.ndarray | None]]:
    """Yield the rows of each batch of an epoch, and their examples where these are not ``split.x``."""
    rng = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(epoch,)))
    version = epoch % (1 + len(split.variants))
    x = split.variants[version - 1] if version else split.x
    passes = 1 if recipe.steps_per_epoch is None else math.ceil(math.prod(shape) / len(split))
    order = np.concatenate([rng.permutation(len(split)) for _ in range(passes)])
    for rows in np.resize(order, shape):  # repeats from its beginning
        if recipe.augmentation is not None:
            yield rows, recipe.augmentation(x[rows], rng)
        else:
            yield rows, x[rows] if version else None


def make_optimizer(recipe: Recipe) -> keras.optimizers.Optimizer:
    """Return the optimizer of a recipe, at its initial learning rate."""
    kinds = {
        "adam": keras.optimizers.Adam,
        "adamax": keras.optimizers.Adamax,
        "rmsprop": keras.optimizers.RMSprop,
        "sgd": keras.optimizers.SGD,
    }
    options = {}
    if recipe.momentum:
        options["momentum"] = recipe.momentum
    if recipe.nesterov:
        options["nesterov"] = True
    return kinds[recipe.optimizer](
        learning_rate=recipe.learning_rate,
        weight_decay=recipe.decoupled_weight_decay or None,
        global_clipnorm=recipe.clip_norm,
        **options,
    )


def _check_loss(loop: Loop, when: str) -> float:
    loss = loop.mean_loss()
    if not math.isfinite(loss):
        raise Diverged(f"the training loss became {loss} {when}")
    return loss


def check_weights(model: keras.Model, epoch: int, recipe: Recipe) -> None:
    """Raise Diverged if a weight is not finite after an epoch, counted from 0."""
    for weight in model.weights:
        if not np.isfinite(keras.ops.convert_to_numpy(weight)).all():
            raise Diverged(
                f"weight {weight.path!r} was not finite after epoch {epoch + 1} of {recipe.epochs}"
            )
