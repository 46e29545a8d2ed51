"""Networks of one structure, trained as one compiled program: each as if it had been alone (JAX only)."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np

from gondwana.tasks.base import SearchData, TaskInfo
from gondwana.tasks.training.early_stopping import EarlyStopping
from gondwana.tasks.training.fit import (
    FIRST_CHECK,
    Diverged,
    Epoch,
    History,
    batches,
    check_weights,
    early_end,
    make_optimizer,
    reseed,
    trained_objective,
)
from gondwana.tasks.training.penalties import weight_penalties
from gondwana.tasks.training.recipe import Recipe


@dataclass(frozen=True, slots=True)
class Member:
    """One of the networks that are trained together.

    Attributes:
        model: initialized, of the same :func:`structure` as the others.
        recipe: equal to the others' but for its learning rate.
        seed: of the order of examples, augmentation and dropout masks.
        on_epoch: called after each of its epochs, with its share of the seconds.
    """

    model: keras.Model
    recipe: Recipe
    seed: int
    on_epoch: Callable[[Epoch], None]


def structure(model: keras.Model) -> str | None:
    """Return a text that is equal for networks which compute the same but for the values of their variables.

    None if a layer does not say what it is made of. Names of layers, seeds and initializers do not count.
    """
    try:
        config = model.get_config()
    except NotImplementedError:
        return None
    numbers: dict[str, str] = {}
    for name in _layer_names(config):
        numbers.setdefault(name, f"layer {len(numbers)}")
    return json.dumps(_anonymous(config, numbers), sort_keys=True, default=repr)


def train_together(
    members: Sequence[Member], data: SearchData, info: TaskInfo, *, fused: bool | None = None
) -> list[History | Diverged]:
    """Train networks of one structure in place, each by its own learning rate and seed.

    Each comes out as from :func:`gondwana.tasks.training.fit.train` but for the last digits: the same batches, masks
    and checks. One whose loss or weights are not finite ends as :class:`Diverged`, and the others go on.

    Args:
        members: at least one.
        data: splits; ``validation`` is used only if the recipe stops early.
        info: the task.
        fused: as of :class:`gondwana.tasks.training.backends.jax_loop.JaxTrainer`.

    Returns:
        In the order of the members, the record of a training, its seconds the share of this network; or how it ended.
    """
    from gondwana.tasks.training.backends.jax_loop import JaxTrainer

    first = members[0]
    for member in members:
        reseed(member.model, member.seed)
    optimizer = make_optimizer(first.recipe)
    with weight_penalties(first.model, first.recipe, optimizer):
        objective = trained_objective(first.model, info, first.recipe, data.train)
        trainer = JaxTrainer([m.model for m in members], optimizer, objective, data.train, fused)
        return _Together(members, trainer, data, info).train()


class _Together:
    """The trainings under way: which of them have ended, and how."""

    def __init__(self, members: Sequence[Member], trainer: Any, data: SearchData, info: TaskInfo) -> None:
        self._members, self._trainer, self._data = members, trainer, data
        recipe = members[0].recipe
        batch = min(recipe.batch_size, len(data.train))
        self._shape = recipe.steps_per_epoch or math.ceil(len(data.train) / batch), batch
        self._alive = list(range(len(members)))
        self._diverged: dict[int, Diverged] = {}
        self._epochs: list[list[Epoch]] = [[] for _ in members]
        self._seconds = [0.0 for _ in members]
        self._first_step = 0.0
        self._watches: list[EarlyStopping | None] = [
            early_end(
                m.model,
                data,
                info,
                m.recipe,
                [*m.model.trainable_variables, *m.model.non_trainable_variables],
                math.prod(self._shape),
            )
            for m in members
        ]

    def train(self) -> list[History | Diverged]:
        for epoch in range(self._members[0].recipe.epochs):
            if self._alive:
                self._one_epoch(epoch)
        for watch in self._watches:
            if watch is not None:
                watch.restore()
        steps = self._shape[0]
        return [
            self._diverged.get(i)
            or History(
                tuple(done), steps * len(done), self._seconds[i], self._first_step / len(self._members)
            )
            for i, done in enumerate(self._epochs)
        ]

    def _one_epoch(self, epoch: int) -> None:
        start = time.perf_counter()
        begun, trainer, (steps, _) = list(self._alive), self._trainer, self._shape
        factors = self._members[0].recipe.schedule.factors(epoch, self._members[0].recipe.epochs, steps)
        base = np.array([member.recipe.learning_rate for member in self._members])
        trainer.reset()
        for step, (rows, x) in enumerate(self._batches(epoch)):
            trainer.step(rows, base * factors[step], x, self._alive)
            if epoch == 0 and step == 0:
                self._first_step = time.perf_counter() - start
            if epoch == 0 and step + 1 == FIRST_CHECK:
                self._check(trainer.mean_losses(), f"within the first {FIRST_CHECK} steps")
                if not self._alive:
                    return
        losses = trainer.mean_losses()
        self._check(losses, f"in epoch {epoch + 1} of {self._members[0].recipe.epochs}")
        for i in list(self._alive):
            try:
                check_weights(self._members[i].model, epoch, self._members[i].recipe)
            except Diverged as error:
                self._end(i, error)
        share = (time.perf_counter() - start) / len(begun)
        for i in begun:
            self._seconds[i] += share
        for i in list(self._alive):
            done = Epoch(epoch, float(losses[i]), float(base[i] * factors[-1]), share)
            self._epochs[i].append(done)
            self._members[i].on_epoch(done)
            watch = self._watches[i]
            if watch is not None and watch.is_over():
                self._alive.remove(i)

    def _batches(self, epoch: int) -> Iterator[tuple[np.ndarray, np.ndarray | None]]:
        """Yield rows (networks, batch) and, where they are not those of the split, examples of each step.

        A network that has ended gets those of one that has not: it makes no difference any more.
        """
        streams = {
            i: batches(self._data.train, self._members[i].recipe, self._members[i].seed, epoch, self._shape)
            for i in self._alive
        }
        for step in zip(*streams.values(), strict=True):
            found = dict(zip(streams, step, strict=True))
            chosen = [found.get(i, step[0]) for i in range(len(self._members))]
            given = [x for _, x in chosen if x is not None]
            yield np.stack([rows for rows, _ in chosen]), np.stack(given) if given else None

    def _check(self, losses: np.ndarray, when: str) -> None:
        for i in list(self._alive):
            if not math.isfinite(losses[i]):
                self._end(i, Diverged(f"the training loss became {losses[i]} {when}"))

    def _end(self, number: int, error: Diverged) -> None:
        self._diverged[number] = error
        self._alive.remove(number)


def _layer_names(config: Any) -> Iterator[str]:
    """Yield the names of all layers, in the order in which a model lists them, those of nested models included."""
    if isinstance(config, dict):
        if (
            "layers" in config or "trainable" in config or "batch_shape" in config
        ):  # a model, a layer, an input
            yield str(config.get("name"))
        for value in config.values():
            yield from _layer_names(value)
    elif isinstance(config, list | tuple):
        for value in config:
            yield from _layer_names(value)


def _anonymous(value: Any, numbers: dict[str, str]) -> Any:
    if isinstance(value, dict):
        return {
            name: _anonymous(item, numbers)
            for name, item in value.items()
            if name != "seed" and not name.endswith("_initializer")
        }
    if isinstance(value, list | tuple):
        return [_anonymous(item, numbers) for item in value]
    return numbers.get(value, value) if isinstance(value, str) else value
