"""The operator record: it holds every form of an operator, so that no tables can drift apart."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from gondwana.activations.operators.latex import Notation, function

Array = NDArray[np.float64]
INPUT = "x"
"""Name of the input in a function's text; no operator can have it."""


@dataclass(frozen=True, slots=True)
class Domain:
    """Where an operator has a finite real value.

    Attributes:
        text: condition on the arguments a, b, ... in words.
        contains: vectorised predicate of the arguments.
    """

    text: str
    contains: Callable[..., NDArray[np.bool_]]


REALS = Domain("all real numbers", lambda *arguments: np.full(np.shape(arguments[0]), True))


@dataclass(frozen=True, slots=True, kw_only=True)
class Operator:
    """An elementwise operator.

    Attributes:
        name: as written in a function's text.
        arity: number of arguments; None for two or more.
        numpy: float64 arrays of one shape in, an array of that shape out.
        keras: tensors of one shape in, a tensor of that shape out; differentiable.
        sympy: SymPy expressions in and out.
        latex: how to write it; ``name(...)`` by default.
        kinks: arguments of a unary operator where it or a derivative jumps or has a pole.
        switch: for other operators, a NumPy function of the arguments whose zeros are the kinks and poles.
        domain: where the value is finite, overflow apart.
        neutral: second argument with which a binary operator returns its first: a number, or ``"copy"`` of the first.
            Only 0 and 1 can be built from the operators ``zero`` and ``one``. None: the operator is never inserted by
            mutation, because it would change the function.
        constant: True if the value does not depend on the argument.
    """

    name: str
    arity: int | None
    numpy: Callable[..., Array]
    keras: Callable[..., Any]
    sympy: Callable[..., Any]
    latex: Notation | None = None
    kinks: tuple[float, ...] = ()
    switch: Callable[..., Array] | None = None
    domain: Domain = REALS
    neutral: Literal[0, 1, "copy"] | None = None
    constant: bool = False

    @property
    def notation(self) -> Notation:
        """How to write the operator in LaTeX."""
        return self.latex or function(self.name)

    def accepts(self, count: int) -> bool:
        """Return True if the operator takes ``count`` arguments."""
        return count == self.arity if self.arity is not None else count >= 2

    @property
    def arity_in_words(self) -> str:
        """For messages: "1 argument", "2 arguments", "2 or more arguments"."""
        if self.arity is None:
            return "2 or more arguments"
        return f"{self.arity} argument{'s' if self.arity != 1 else ''}"
