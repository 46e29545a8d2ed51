"""Sweeps: one network, hyperparameters varied one at a time or all together, under several initialization strategies.

The experiments of the paper's Sections 4 and 5 (Figures 1 and 4): activation function, dropout rate, weight decay and
learning rate of All-CNN-C, learning rate and normalization of residual networks.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from typing import Any, Literal

from pydantic import Field, PositiveInt, field_validator, model_validator

from gondwana.nas.candidate import Candidate, Json, canonical_json
from gondwana.nas.searches.initialization import StrategyItem
from gondwana.nas.searches.job import SearchJob
from gondwana.nas.searches.planned import (
    RELU,
    Architecture,
    Frozen,
    PlannedSearch,
    SettingsError,
    SpecFactory,
    group_names,
)
from gondwana.nas.searches.preflight import check_experiment
from gondwana.tasks.training.recipe import Recipe

ROOTS = ("activation", "architecture", "training")


class Axis(Frozen):
    """A hyperparameter that is varied.

    Attributes:
        key: ``activation``, ``architecture.OPTION`` or ``training.KEY`` (nested keys with further dots).
        values: what it takes in turn, JSON; the config's own value only takes part if it is listed.
    """

    key: str
    values: tuple[Any, ...] = Field(min_length=1)

    @field_validator("key")
    @classmethod
    def _known_root(cls, value: str) -> str:
        root, *rest = value.split(".")
        if root not in ROOTS or bool(rest) == (root == "activation") or not all(rest):
            raise ValueError("must be 'activation', 'architecture.OPTION' or 'training.KEY'")
        return value

    @field_validator("values")
    @classmethod
    def _distinct(cls, values: tuple[Any, ...]) -> tuple[Any, ...]:
        if len({canonical_json(value) for value in values}) < len(values):
            raise ValueError("holds a value twice")
        return values


class SweepSettings(Frozen):
    """The ``search`` section of a config with ``kind: sweep``.

    Attributes:
        architecture, activation: the network, where no axis changes it.
        strategies: initialization strategies, each a name or ``{strategy, options}``; all see the same points.
        axes: what is varied; nothing compares the strategies on one network, each seed (replicate) being a subject: all
            strategies then have the same seeds, so that the order of the examples is the same, too.
        design: ``one_at_a_time`` varies each axis with the others at the config's values, as the paper does; ``grid``
            takes every combination.
        replicates: trainings of every point and strategy, each with a seed of its own.
        margin: a training failed when its fitness is at most the chance level plus this margin.
    """

    kind: Literal["sweep"] = "sweep"
    architecture: Architecture
    activation: str = RELU
    strategies: tuple[StrategyItem, ...] = Field(min_length=1)
    axes: tuple[Axis, ...] = ()
    design: Literal["one_at_a_time", "grid"] = "one_at_a_time"
    replicates: PositiveInt = 1
    margin: float = Field(default=0.02, ge=0.0, lt=1.0)

    @model_validator(mode="after")
    def _each_once(self) -> SweepSettings:
        for what, names in (
            ("strategy", group_names(self.strategies)),
            ("axis", [axis.key for axis in self.axes]),
        ):
            if len(set(names)) < len(names):
                raise ValueError(f"each {what} may stand once. Received: {list(names)}")
        return self

    def create(self, job: SearchJob) -> PlannedSearch:
        """Plan every training.

        Raises:
            ValueError: if ``job.generations`` is not 1, a value does not fit the training recipe or the architecture,
                or architecture, strategies or a function do not exist.
        """
        if job.generations != 1:
            raise SettingsError(
                f"a sweep has one generation: set generations to 1. Received: {job.generations}"
            )
        applied = [self._applied(changes, job.training) for changes in self.points()]
        architectures = {canonical_json(item.model_dump()): item for item, _, _ in applied}
        check_experiment(
            job.info, architectures.values(), self.strategies, {activation for _, activation, _ in applied}
        )
        names = group_names(self.strategies)
        candidates: list[Candidate] = []
        for number, (changes, (architecture, activation, recipe)) in enumerate(
            zip(self.points(), applied, strict=True)
        ):
            spec = SpecFactory(
                job.seed, job.task, architecture, recipe, job.limits, shared_seeds=not self.axes
            )
            for name, strategy in zip(names, self.strategies, strict=True):
                for replicate in range(self.replicates):
                    origin = {"role": "point", "strategy": name, "point": number, "changes": changes}
                    text = (
                        ", ".join(f"{key}={value}" for key, value in changes.items()) or f"seed {replicate}"
                    )
                    candidates.append(
                        Candidate(
                            id=len(candidates),
                            generation=0,
                            spec=spec(activation, strategy, replicate),
                            origin={**origin, "replicate": replicate, "text": text},
                        )
                    )
        return PlannedSearch(candidates, summary={"kind": self.kind, "strategies": list(names)})

    def points(self) -> list[Json]:
        """Return the points of the sweep, each as the changes to the config by key."""
        if self.design == "grid":
            keys = [axis.key for axis in self.axes]
            return [
                dict(zip(keys, values, strict=True))
                for values in itertools.product(*(a.values for a in self.axes))
            ]
        return [{axis.key: value} for axis in self.axes for value in axis.values] or [{}]

    def _applied(
        self, changes: Mapping[str, Any], training: Mapping[str, Any]
    ) -> tuple[Architecture, str, Mapping[str, Any]]:
        options, activation, recipe = dict(self.architecture.options), self.activation, dict(training)
        for key, value in changes.items():
            root, _, rest = key.partition(".")
            if root == "activation":
                activation = str(value)
            elif root == "architecture":
                options = _with(options, rest, value)
            else:
                recipe = _with(recipe, rest, value)
        try:
            complete = Recipe.from_json(recipe).to_json()
        except ValueError as error:
            raise SettingsError(f"search.axes: {dict(changes)} does not fit the training: {error}") from error
        return Architecture(name=self.architecture.name, options=options), activation, complete


def _with(data: Mapping[str, Any], path: str, value: Any) -> dict[str, Any]:
    """Return ``data`` with the value at a dotted path replaced."""
    key, _, rest = path.partition(".")
    inner = data.get(key)
    return {**data, key: _with(inner if isinstance(inner, Mapping) else {}, rest, value) if rest else value}
