"""LaTeX and SymPy forms of graphs."""

from __future__ import annotations

import sympy as sp

from gondwana.activations.graph.graph import Graph
from gondwana.activations.operators.latex import Binding, Formula
from gondwana.activations.operators.record import INPUT
from gondwana.activations.operators.registry import operator

X = sp.Symbol("x", real=True)
_GREEK = (
    "alpha",
    "beta",
    "gamma",
    "delta",
    "epsilon",
    "zeta",
    "eta",
    "theta",
    "kappa",
    "lambda",
    "mu",
    "nu",
    "xi",
)


def parameter_symbols(graph: Graph) -> tuple[sp.Symbol, ...]:
    """Return the SymPy symbol of each parameter in the order of the text; taken to be positive."""
    return tuple(sp.Symbol(name, positive=True) for name in graph.parameter_names)


def to_sympy(graph: Graph, *, parameters: bool = True) -> sp.Expr:
    """Return ``graph`` as a SymPy expression in the real symbol ``x``.

    Args:
        graph: the function.
        parameters: False puts every parameter at its initial value 1.

    Raises:
        ValueError: from SymPy, for what it cannot write, such as the larger of x and 1/0.
    """
    symbols = parameter_symbols(graph)
    stack: list[sp.Expr] = []
    for position, node in enumerate(graph.nodes):
        if node.operator == INPUT:
            value = X
        else:
            arguments = stack[len(stack) - node.arity :]
            del stack[len(stack) - node.arity :]
            value = operator(node.operator).sympy(*arguments)
        if node.parameter and parameters:
            value = symbols[graph.parameter_numbers[position]] * value
        stack.append(value)
    return sp.sympify(stack[0])


def latex(graph: Graph) -> str:
    """Return ``graph`` in LaTeX as it stands, not simplified; the parameters are alpha, beta, gamma, ..."""
    stack: list[Formula] = []
    for position, node in enumerate(graph.nodes):
        if node.operator == INPUT:
            formula = Formula("x")
        else:
            formula = operator(node.operator).notation(stack[len(stack) - node.arity :])
            del stack[len(stack) - node.arity :]
        if node.parameter:
            symbol = _greek(graph.parameter_numbers[position])
            formula = Formula(rf"{symbol} \cdot {formula.within(Binding.PRODUCT)}", Binding.PRODUCT)
        stack.append(formula)
    return stack[0].text


def _greek(number: int) -> str:
    return f"\\{_GREEK[number]}" if number < len(_GREEK) else f"p_{{{number + 1}}}"
