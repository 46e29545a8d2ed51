"""Courses of the learning rate: pure functions of the step."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

import numpy as np

from gondwana.tasks.options import check_choice, check_int, check_names, check_number

KINDS = ("constant", "cosine", "exponential", "steps")
_USED = {
    "constant": ("warmup_epochs",),
    "cosine": ("warmup_epochs", "final"),
    "exponential": ("warmup_epochs", "factor", "every"),
    "steps": ("warmup_epochs", "factor", "epochs"),
}


@dataclass(frozen=True, slots=True)
class Schedule:
    """Course of the learning rate, as a factor on the recipe's ``learning_rate``.

    Every kind may begin with a linear warm-up from 0 over ``warmup_epochs``. After it, with the epoch e counted from 0:

    - ``constant``: 1.
    - ``steps``: ``factor ** k`` where k is the number of ``epochs`` that are at most e.
    - ``exponential``: ``factor ** (e / every)``; the default is the paper's ``0.1 ** (epoch / 10)`` (Appendix C).
    - ``cosine``: from 1 to ``final`` along half a cosine, by step rather than by epoch (Loshchilov and Hutter, 2016),
      over what the warm-up leaves of the training.

    Attributes:
        kind: one of :data:`KINDS`.
        warmup_epochs: length of the warm-up, fractions allowed.
        epochs: for ``steps``, epochs (from 0) at whose beginning the rate drops.
        factor: for ``steps`` and ``exponential``.
        every: for ``exponential``, number of epochs per ``factor``.
        final: for ``cosine``, factor at the end.
    """

    kind: str = "constant"
    warmup_epochs: float = 0.0
    epochs: tuple[int, ...] = ()
    factor: float = 0.1
    every: float = 10.0
    final: float = 0.0

    def __post_init__(self) -> None:
        check_choice("schedule of training", self.kind, KINDS)
        check_number("training: schedule 'warmup_epochs'", self.warmup_epochs, low=0.0, high=math.inf)
        check_number("training: schedule 'factor'", self.factor, low=0.0, high=math.inf, open_low=True)
        check_number("training: schedule 'every'", self.every, low=0.0, high=math.inf, open_low=True)
        check_number("training: schedule 'final'", self.final, low=0.0, high=1.0)
        for epoch in self.epochs:
            check_int("training: each entry of schedule 'epochs'", epoch, least=1)

    @classmethod
    def from_json(cls, data: Schedule | str | Mapping[str, Any]) -> Schedule:
        """Return the schedule of ``"cosine"`` or ``{"kind": "cosine", "warmup_epochs": 5}``.

        Raises:
            ValueError: for an unknown kind or key, a key that the kind does not use, or a value out of range.
        """
        if isinstance(data, Schedule):
            return data
        if isinstance(data, str):
            return cls(kind=data)
        if not isinstance(data, Mapping):
            raise ValueError(
                f"training: 'schedule' must be a name or an object with a 'kind'. Received: {data!r}"
            )
        check_names("key of schedule", data, [f.name for f in fields(cls)])
        kind = data.get("kind", "constant")
        check_choice("schedule of training", kind, KINDS)
        check_names(f"key of schedule {kind!r}", data, ("kind", *_USED[kind]))
        values = dict(data)
        if "epochs" in values:
            if isinstance(values["epochs"], str) or not hasattr(values["epochs"], "__iter__"):
                raise ValueError(
                    f"training: schedule 'epochs' must be a list. Received: {values['epochs']!r}"
                )
            values["epochs"] = tuple(values["epochs"])
        return cls(**values)

    def to_json(self) -> dict[str, Any]:
        """Inverse of :meth:`from_json`."""
        result: dict[str, Any] = {"kind": self.kind}
        for name in _USED[self.kind]:
            value = getattr(self, name)
            result[name] = list(value) if isinstance(value, tuple) else value
        return result

    def factors(self, epoch: int, epochs: int, steps: int) -> np.ndarray:
        """Return the factor of every step of an epoch.

        Args:
            epoch: number of the epoch, from 0.
            epochs: number of epochs of the whole training.
            steps: steps per epoch.
        """
        time = epoch + np.arange(steps) / steps
        factors = self._after_warmup(epoch, time, epochs)
        warming = time < self.warmup_epochs
        if warming.any():
            # Step k of the warm-up trains at (k + 1) / (steps of the warm-up), so that no step is wasted at rate 0.
            reached = np.minimum(time[warming] + 1 / steps, self.warmup_epochs)
            factors[warming] = reached / self.warmup_epochs
        return factors

    def _after_warmup(self, epoch: int, time: np.ndarray, epochs: int) -> np.ndarray:
        if self.kind == "steps":
            return np.full_like(time, self.factor ** sum(drop <= epoch for drop in self.epochs))
        if self.kind == "exponential":
            return np.full_like(time, self.factor ** (epoch / self.every))
        if self.kind == "cosine":
            length = epochs - self.warmup_epochs
            if length <= 0:
                return np.ones_like(time)
            progress = np.clip((time - self.warmup_epochs) / length, 0.0, 1.0)
            return self.final + (1.0 - self.final) * 0.5 * (1.0 + np.cos(np.pi * progress))
        return np.ones_like(time)
