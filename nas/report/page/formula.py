"""Functions as MathML, the mathematics that browsers show by themselves."""

from __future__ import annotations

from typing import TYPE_CHECKING
from xml.dom.minidom import Element

import sympy as sp
from markupsafe import Markup
from sympy.printing.mathml import MathMLPresentationPrinter

if TYPE_CHECKING:
    from gondwana.activations import Graph

MAXIMUM_OPERATORS = 40
"""Larger functions are shown as text; the formula of one would fill pages."""
DIGITS = 5


def formula(graph: Graph) -> Markup:
    """Return a function as MathML; as its text if it is very large."""
    if graph.size > MAXIMUM_OPERATORS:
        return Markup("<code>{}</code>").format(graph.text)
    from gondwana import activations

    expression = activations.to_sympy(graph)
    shown = expression.xreplace({value: sp.Float(value, DIGITS) for value in expression.atoms(sp.Float)})
    # SymPy does not escape names; those of the grammar are letters, digits and underscores.
    markup = _Printer().doprint(shown).replace("&InvisibleTimes;", "\u2062")
    return Markup('<math display="inline">{}</math>').format(Markup(markup))


class _Printer(MathMLPresentationPrinter):  # type: ignore[misc]
    """SymPy's printer with cases for piecewise functions, which it prints as a tuple."""

    def _print_Exp1(self, _: sp.Expr) -> Element:  # noqa: N802  SymPy names methods after classes
        return self._node("mi", "e")

    def _print_Piecewise(self, expression: sp.Piecewise) -> Element:  # noqa: N802
        table = self.dom.createElement("mtable")
        table.setAttribute("columnalign", "left left")
        for value, condition in expression.args:
            row = self.dom.createElement("mtr")
            last = condition == sp.true
            for content in (
                self._print(value),
                self._node("mtext", "otherwise") if last else self._print(condition),
            ):
                cell = self.dom.createElement("mtd")
                cell.appendChild(content)
                row.appendChild(cell)
            table.appendChild(row)
        group: Element = self.dom.createElement("mrow")
        group.appendChild(self._node("mo", "{"))
        group.appendChild(table)
        return group

    def _node(self, tag: str, text: str) -> Element:
        node: Element = self.dom.createElement(tag)
        node.appendChild(self.dom.createTextNode(text))
        return node
