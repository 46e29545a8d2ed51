"""Activation functions as genes: any function of the PANGAEA space, mutated as PANGAEA does.

A value is the name of a Keras activation or the text of a function, such as ``max(relu(x),a*cosh(elu(x)))``, with up to
three learnable parameters per channel. Architectures and activation functions then evolve together.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, field_validator

if TYPE_CHECKING:
    from gondwana.activations import Graph

MAX_OPERATORS = 12
"""A function with more operators than that is not accepted as the child of a mutation."""

TRIES = 50
"""Mutations of one function that are tried until the child is usable."""


class Functions(BaseModel):
    """The domain of functions that PANGAEA can make.

    Attributes:
        source: ``pangaea``.
        initial: names or texts of the functions that initial genomes start from; none means random functions, made by
            PANGAEA's process.
        max_parameters: largest number of learnable parameters.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    source: Literal["pangaea"]
    initial: tuple[str, ...] = ()
    max_parameters: Annotated[int, Field(ge=0)] = 3

    @field_validator("initial")
    @classmethod
    def _known(cls, texts: tuple[str, ...]) -> tuple[str, ...]:
        for text in texts:
            graph_of(text)
        return texts

    def sample(self, rng: np.random.Generator) -> str:
        """Draw one of the initial functions, or make a random one that can be used."""
        from gondwana import activations

        if self.initial:
            return self.initial[int(rng.integers(len(self.initial)))]
        return str(activations.sample(rng, valid=True, max_parameters=self.max_parameters))

    def change(self, value: object, rng: np.random.Generator) -> str:
        """Return a mutant of a function (insert, remove, change or regenerate; parameters are drawn anew) that can be
        used and is another function; after :data:`TRIES` that cannot, a random one."""
        from gondwana import activations

        graph = graph_of(str(value))
        for _ in range(TRIES):
            child = activations.parametrize(activations.mutate(graph, rng), rng, self.max_parameters)
            usable = child.size <= MAX_OPERATORS and activations.problem(child) is None
            if usable and str(child) not in (str(graph), value):
                return str(child)
        return str(activations.sample(rng, valid=True, max_parameters=self.max_parameters))

    def distance(self, first: object, second: object) -> float:
        """Return 0 for the same function, else 1."""
        return float(first != second and str(graph_of(str(first))) != str(graph_of(str(second))))

    def contains(self, value: object) -> bool:
        """Return whether ``value`` is a function."""
        try:
            return isinstance(value, str) and bool(graph_of(value).nodes)
        except ValueError:
            return False


def graph_of(value: str) -> Graph:
    """Return the function that a gene's value is or names.

    Raises:
        ValueError: if it is neither.
    """
    from gondwana import activations

    return activations.get(value)


def is_text(value: object) -> bool:
    """Return whether an activation gene holds the text of a function rather than a Keras name."""
    return isinstance(value, str) and "(" in value
