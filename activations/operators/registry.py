"""The registry of operators: built in are those of ``pangaea.py`` and ``actbench.py``; ``register`` adds others."""

from __future__ import annotations

import difflib
import re
from dataclasses import dataclass

from gondwana.activations.errors import OperatorError, quoted
from gondwana.activations.operators.record import INPUT, Operator

NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


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
        if arity == 2:
            return self.binary
        return tuple(op.name for op in _OPERATORS.values() if op.arity is None)


_OPERATORS: dict[str, Operator] = {}


def register(new: Operator, *, check: bool = True) -> Operator:
    """Make an operator known to the text, to graphs and to the layer; returns it.

    Args:
        new: the operator.
        check: compare its forms on a grid first (:func:`gondwana.activations.operators.checks.check_operator`).
            The built-in operators skip this at import, where it would cost a second; the test suite does it for them.

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
        from gondwana.activations.operators.checks import check_operator  # imports SymPy and Keras

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
