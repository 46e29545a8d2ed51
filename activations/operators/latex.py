"""How an operator is written in LaTeX: a template, and how tightly it and its arguments bind."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum


class Binding(IntEnum):
    """How tightly a formula holds together; a looser one is put in parentheses where a tighter one is needed."""

    ATOM = 0
    POWER = 1
    PRODUCT = 2
    SUM = 3


@dataclass(frozen=True, slots=True)
class Formula:
    """A piece of LaTeX and its binding."""

    text: str
    binding: Binding = Binding.ATOM

    def within(self, loosest: Binding) -> str:
        """Return the text, in parentheses if it binds more loosely than ``loosest``."""
        return self.text if self.binding <= loosest else rf"\left({self.text}\right)"


@dataclass(frozen=True, slots=True)
class Notation:
    """LaTeX of an operator.

    Attributes:
        template: with ``#1``, ``#2`` for the arguments, or ``#*`` for all of them.
        binding: of the result.
        arguments: loosest binding that each argument may have without parentheses; the last one holds for the rest.
        separator: between the arguments of ``#*``.
    """

    template: str
    binding: Binding = Binding.ATOM
    arguments: tuple[Binding, ...] = (Binding.SUM,)
    separator: str = ", "

    def __call__(self, arguments: Sequence[Formula]) -> Formula:
        """Return the formula of the operator applied to ``arguments``."""
        last = len(self.arguments) - 1
        texts = [argument.within(self.arguments[min(i, last)]) for i, argument in enumerate(arguments)]
        if "#*" in self.template:
            return Formula(self.template.replace("#*", self.separator.join(texts)), self.binding)
        result = self.template
        for i, text in enumerate(texts, start=1):
            result = result.replace(f"#{i}", text)
        return Formula(result, self.binding)


def function(name: str) -> Notation:
    """Return the notation ``name(argument, ...)``; ``name`` is a LaTeX command or a plain word."""
    head = name if name.startswith("\\") else r"\operatorname{" + name.replace("_", r"\_") + "}"
    return Notation(head + r"\left(#*\right)")


def infix(symbol: str, binding: Binding, right: Binding) -> Notation:
    """Return the notation ``a symbol b``, with the loosest binding that b may have."""
    return Notation(f"#1 {symbol} #2", binding, (binding, right))
