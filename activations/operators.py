"""The operator record and the registry: one record holds every form of an operator, so that no tables can drift apart.

The built-in records are in :mod:`activations.table`; :func:`register` adds a user's own.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from activations.errors import OperatorError, quoted
from activations.notation import Notation, function

Array = NDArray[np.float64]
NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
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


@dataclass(frozen=True, slots=True)
class OperatorSet:
    """The operators, by name, from which functions are made at random.

    Attributes:
        unary, binary: names of registered operators; neither may be empty.
    """

    unary: tuple[str, ...]
    binary: tuple[str, ...]

    def __post_init__(self) -> None:
        for arity, names in ((1, self.unary), (2, self.binary)):
            if not names or len(set(names)) < len(names):
                raise OperatorError(
                    f"an operator set needs distinct operators of each arity. Received: {names!r}"
                )
            for name in names:
                if operator(name).arity != arity:
                    raise OperatorError(f"{name!r} takes {operator(name).arity_in_words}, not {arity}")

    def of_arity(self, arity: int) -> tuple[str, ...]:
        """Return the names that may replace an operator with ``arity`` arguments in a graph."""
        if arity == 1:
            return self.unary
        n_ary = tuple(op.name for op in _OPERATORS.values() if op.arity is None)
        return self.binary if arity == 2 else n_ary


_OPERATORS: dict[str, Operator] = {}


def register(new: Operator, *, check: bool = True) -> Operator:
    """Make an operator known to the text, to graphs and to the layer; returns it.

    Args:
        new: the operator.
        check: compare its forms on a grid first (see :func:`activations.checks.check_operator`). The built-in
            operators skip this at import, where it would cost a second; the test suite does it for them.

    Raises:
        OperatorError: if the name is taken or not a word, or the forms contradict each other.
    """
    if not NAME.fullmatch(new.name) or new.name == INPUT:
        raise OperatorError(
            f"an operator's name is a word other than {INPUT!r}. Received: {quoted(new.name)}"
        )
    if new.name in _OPERATORS:
        raise OperatorError(f"the operator {new.name!r} is registered already; choose another name")
    if new.arity is not None and new.arity < 1:
        raise OperatorError(
            f"operator {new.name!r}: arity must be at least 1, or None. Received: {new.arity}"
        )
    if check:
        from activations.checks import check_operator

        check_operator(new)
    _OPERATORS[new.name] = new
    return new


def operator(name: str) -> Operator:
    """Return the operator called ``name``.

    Raises:
        OperatorError: if there is none; the message names the closest one.
    """
    found = _OPERATORS.get(name)
    if found is None:
        close = difflib.get_close_matches(name[:60], _OPERATORS, n=1)
        hint = f"; did you mean {close[0]!r}?" if close else "; see `gondwana activations operators`"
        raise OperatorError(f"unknown operator {quoted(name)}{hint}")
    return found


def operators() -> dict[str, Operator]:
    """Return all registered operators by name, in the order of registration."""
    return dict(_OPERATORS)
