"""Domains of hyperparameters: which values a gene may have, and how far apart two values are.

A domain is data: a YAML list is a :class:`Choice`, a mapping with ``low`` and ``high`` is a :class:`Range`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Self, TypeAlias

import numpy as np
from pydantic import (
    AllowInfNan,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    model_serializer,
    model_validator,
)

from gondwana.nas.searches.codeepneat.genes.activation_genes import Functions

Value = str | int | float | bool
"""A value of a hyperparameter; JSON."""

STEP = 0.2
"""Standard deviation of a small numeric change, as a share of the domain's width on its scale."""

_FROZEN = ConfigDict(frozen=True, extra="forbid")
Finite = Annotated[float, AllowInfNan(False)]


class Range(BaseModel):
    """Numbers between two bounds, both included.

    The numbers are whole when both bounds are written as whole numbers and the scale is not ``log``, or when
    ``integer`` says so.

    Attributes:
        low, high: bounds.
        scale: ``"linear"``, or ``"log"`` for a domain that spans orders of magnitude.
        integer: whether values are whole numbers; None means as described above.
    """

    model_config = _FROZEN

    low: Annotated[int, Field(strict=True)] | Finite
    high: Annotated[int, Field(strict=True)] | Finite
    scale: Annotated[str, Field(pattern="^(linear|log)$")] = "linear"
    integer: bool | None = None

    @model_validator(mode="after")
    def _check_bounds(self) -> Self:
        if not self.low < self.high:
            raise ValueError(f"'low' must be less than 'high'. Received: low={self.low}, high={self.high}")
        if self.scale == "log" and self.low <= 0:
            raise ValueError(f"a log scale needs 'low' greater than 0. Received: low={self.low}")
        return self

    @property
    def whole(self) -> bool:
        """True if values are whole numbers."""
        if self.integer is not None:
            return self.integer
        return self.scale == "linear" and isinstance(self.low, int) and isinstance(self.high, int)

    def sample(self, rng: np.random.Generator) -> Value:
        """Draw a value, uniform on the domain's scale."""
        return self._value(rng.random())

    def change(self, value: Value, rng: np.random.Generator) -> Value:
        """Return a value near ``value``, or, every other time, a fresh draw; another one if there is any."""
        for _ in range(16):
            unit = self.unit(value) + STEP * rng.standard_normal() if rng.random() < 0.5 else rng.random()
            if (changed := self._value(unit)) != value:
                return changed
        return value

    def distance(self, first: Value, second: Value) -> float:
        """Return how far two values are apart on the domain's scale, from 0 to 1."""
        return min(1.0, abs(self.unit(first) - self.unit(second)))

    def contains(self, value: Value) -> bool:
        """Return whether ``value`` may occur."""
        return not isinstance(value, str | bool) and self.low <= value <= self.high

    def unit(self, value: Value) -> float:
        """Return where a value lies on the domain's scale, from 0 to 1."""
        low, high, at = (self._scaled(float(number)) for number in (self.low, self.high, value))
        return (at - low) / (high - low)

    def _value(self, unit: float) -> Value:
        low, high = self._scaled(float(self.low)), self._scaled(float(self.high))
        at = low + min(1.0, max(0.0, unit)) * (high - low)
        number = math.exp(at) if self.scale == "log" else at
        number = min(float(self.high), max(float(self.low), number))
        return round(number) if self.whole else float(f"{number:.6g}")

    def _scaled(self, number: float) -> float:
        return math.log(number) if self.scale == "log" else number


class Choice(BaseModel):
    """One of several values, without order.

    Attributes:
        values: the values, each once, at least one.
    """

    model_config = _FROZEN

    values: Annotated[tuple[Value, ...], Field(min_length=1)]

    @model_validator(mode="after")
    def _check_values(self) -> Self:
        if len(set(self.values)) != len(self.values):
            raise ValueError(f"each value may be listed once. Received: {list(self.values)}")
        return self

    @model_serializer
    def _as_list(self) -> list[Value]:
        return list(self.values)

    def sample(self, rng: np.random.Generator) -> Value:
        """Draw a value, all equally likely."""
        return self.values[int(rng.integers(len(self.values)))]

    def change(self, value: Value, rng: np.random.Generator) -> Value:
        """Return another value if there is one."""
        others = [other for other in self.values if other != value]
        return others[int(rng.integers(len(others)))] if others else value

    def distance(self, first: Value, second: Value) -> float:
        """Return 0 for equal values, 1 for different ones."""
        return float(first != second)

    def contains(self, value: Value) -> bool:
        """Return whether ``value`` may occur."""
        return value in self.values


def _from_yaml(data: Any) -> Any:
    if isinstance(data, Range | Choice | Functions):
        return data
    if isinstance(data, Sequence) and not isinstance(data, str):
        return Choice(values=tuple(data))
    if isinstance(data, str | int | float):
        return Choice(values=(data,))
    if isinstance(data, Mapping) and "source" in data:
        return Functions.model_validate(data)
    return Range.model_validate(data)


_Written: TypeAlias = list[Value] | Value | Range | Functions
Domain = Annotated[Range | Choice | Functions, BeforeValidator(_from_yaml, json_schema_input_type=_Written)]
"""A domain in a config: a list of values, a single value, ``{low, high, scale}``, or ``{source: pangaea}``."""


def variable(domains: Mapping[str, Domain]) -> dict[str, Domain]:
    """Return the domains that have more than one value."""
    return {name: d for name, d in domains.items() if not (isinstance(d, Choice) and len(d.values) < 2)}
