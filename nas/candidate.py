"""Candidate and Outcome: the two values that pass between a search and the engine.

Both are plain data. A candidate's ``spec`` is JSON and holds everything that a worker needs; what the search alone
needs to know (parents, operators used) is in ``origin`` and never influences the evaluation.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Any

from gondwana.nas.randomness import training_seed

Json = dict[str, Any]

FIRST_DEFAULTS = "0.1"
"""Version whose defaults hold for the initialization strategy of a spec that names none."""
"""A JSON object: str keys; values are str, int, float, bool, None, lists and objects."""


class State(StrEnum):
    """How the evaluation of a candidate ended."""

    COMPLETED = "completed"
    DIVERGED = "diverged"
    """Loss or weights were not finite: a result, scored at chance."""
    INVALID = "invalid"
    """Cannot be built, or too large: refused before training."""
    OUT_OF_MEMORY = "out_of_memory"
    TIMED_OUT = "timed_out"
    CRASHED = "crashed"
    """The worker died or the evaluation raised; retried first when the worker died."""
    DUPLICATE = "duplicate"
    """Equal to an earlier candidate, whose result it shares."""


RESULTS = frozenset({State.COMPLETED, State.DIVERGED, State.DUPLICATE})
"""States that say something about the candidate. The others are failures and carry no fitness."""

PHASES = ("queued", "built", "initialized", "trained", "scored")
"""Keys of ``Outcome.seconds``."""


CURVE = ("epoch", "train_loss", "val_loss", "val_fitness", "seconds")
"""Keys of a point of ``Outcome.curve``."""


def in_order_json(value: Any) -> str:
    """Return a value as JSON with the keys in their order: in a table, that of categories is that of the inputs.

    Raises:
        ValueError: for NaN and infinities, which JSON does not have.
    """
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def canonical_json(value: Any) -> str:
    """Return the one JSON text of ``value``: keys sorted, no spaces, non-finite numbers refused.

    Raises:
        ValueError: if a number is not finite.
        TypeError: if a value is not JSON.
    """
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


@dataclass(frozen=True, slots=True)
class Candidate:
    """A network or an activation function that a search wants evaluated.

    Attributes:
        id: position in the order in which the search asked, from 0; unique in a run.
        generation: generation that asked for it, from 0.
        spec: JSON object, see :func:`make_spec`.
        origin: JSON object for the search's own use and for lineage (parents, blueprint and module ids, ...).
    """

    id: int
    generation: int
    spec: Mapping[str, Any]
    origin: Mapping[str, Any] = field(default_factory=dict)

    @property
    def key(self) -> str:
        """Hash of the canonical spec: equal keys mean equal candidates."""
        return hashlib.sha256(canonical_json(self.spec).encode()).hexdigest()

    @property
    def seed(self) -> int:
        """Training seed, part of the spec."""
        return int(self.spec["seed"])


def make_spec(
    run_seed: int,
    *,
    task: Mapping[str, Any],
    model: Mapping[str, Any],
    initialization: Mapping[str, Any],
    training: Mapping[str, Any],
    limits: Mapping[str, Any] | None = None,
    replicate: int = 0,
    shared_seed: bool = False,
    until_epoch: int | None = None,
) -> Json:
    """Assemble the JSON object that a worker evaluates, and derive its training seed from it.

    Args:
        run_seed: the run's seed.
        task: ``{"name": ..., "options": {...}}``, read by ``tasks.get``.
        model: ``{"kind": ..., ...}``: which builder makes the network and from what.
        initialization: ``{"strategy": ..., "options": {...}}``, read by :func:`strategy_options`.
        training: fields of ``gondwana.tasks.training.fit.Recipe``.
        limits: ``{"max_parameters": ..., "max_seconds": ...}``; absent keys are unlimited.
        replicate: number of the repetition, to train one candidate with several seeds.
        shared_seed: derive the seed from everything but the initialization, so that strategies differ in nothing else.
        until_epoch: end the training after so many of its epochs; None for all. The seed is that of the whole training,
            which can go on from there.

    Raises:
        ValueError, TypeError: if a part is not JSON with finite numbers.
    """
    spec: Json = {
        "task": dict(task),
        "model": dict(model),
        "initialization": dict(initialization),
        "training": dict(training),
        "limits": dict(limits or {}),
        "replicate": replicate,
    }
    decides = {key: value for key, value in spec.items() if not (shared_seed and key == "initialization")}
    spec["seed"] = training_seed(run_seed, canonical_json(decides))
    if until_epoch is not None:
        spec["until_epoch"] = until_epoch
    return spec


def strategy_options(initialization: Mapping[str, Any]) -> dict[str, Any]:
    """Return the options of a spec's initialization strategy, as ``autoinit.initialize`` takes them.

    Specs of version 0.1 say nothing of a version, and their AutoInit propagates by the paper's formulas.
    """
    options = dict(initialization.get("options") or {})
    first = initialization.get("defaults", FIRST_DEFAULTS) == FIRST_DEFAULTS
    if first and initialization["strategy"] in ("autoinit", "autoinit++"):
        options.setdefault("propagation", "paper")
    return options


def whole_key(spec: Mapping[str, Any]) -> str:
    """Return the key of a spec without ``until_epoch``: the same for all rungs of one training."""
    return Candidate(0, 0, {name: value for name, value in spec.items() if name != "until_epoch"}).key


@dataclass(frozen=True, slots=True)
class Outcome:
    """The result of evaluating a candidate, or why there is none.

    Attributes:
        candidate_id: ``Candidate.id``.
        state: how it ended.
        fitness: validation metric, larger is better; chance level for DIVERGED; None for failures.
        metrics: further figures by name, such as ``val_loss`` (finite numbers only).
        parameters: number of trainable and other weights of the network; None if it was not built.
        seconds: wall seconds by phase, keys from :data:`PHASES`.
        seed: training seed.
        worker: where it ran, ``host:pid``.
        reason: for everything but COMPLETED, why, in words; None otherwise.
        attempts: evaluations started, 1 unless a worker died.
        duplicate_of: for DUPLICATE, the id of the candidate whose result this is.
        curve: the learning curve, one point an epoch, as far as the training came: ``epoch`` from 1, mean
            ``train_loss``, ``val_loss`` and ``val_fitness`` on a fixed part of the validation split, ``seconds`` of
            training so far. A figure that was not finite is left out. Empty for duplicates, and in older runs.
    """

    candidate_id: int
    state: State
    fitness: float | None = None
    metrics: Mapping[str, float] = field(default_factory=dict)
    parameters: int | None = None
    seconds: Mapping[str, float] = field(default_factory=dict)
    seed: int = 0
    worker: str = ""
    reason: str | None = None
    attempts: int = 1
    duplicate_of: int | None = None
    curve: tuple[Mapping[str, float], ...] = ()

    def __post_init__(self) -> None:
        if (
            self.fitness is not None
        ):  # a NumPy number is summed otherwise than the float that a store gives back
            object.__setattr__(self, "fitness", float(self.fitness))
        if (self.fitness is None) == (self.state in RESULTS):
            raise ValueError(
                f"an outcome has a fitness exactly when its state is one of {sorted(RESULTS)}. "
                f"Received: state={self.state.value!r}, fitness={self.fitness!r}"
            )
        if self.state is not State.COMPLETED and not self.reason:
            raise ValueError(
                f"an outcome that is not 'completed' says why. Received: state={self.state.value!r}"
            )

    def to_json(self) -> Json:
        """Return the outcome as a JSON object."""
        return asdict(self) | {"state": self.state.value}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Outcome:
        """Inverse of :meth:`to_json`."""
        return cls(**{**data, "state": State(data["state"]), "curve": tuple(data.get("curve", ()))})
