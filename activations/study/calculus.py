"""What computer algebra says about a function: simplified form, derivative, limits. Each within a time limit."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
import sympy as sp

from gondwana.activations.graph.graph import Graph
from gondwana.activations.study.symbolic import X, to_sympy


class TimeLimitError(Exception):
    """Raised by :func:`time_limit`; never leaves this module."""


@dataclass(frozen=True, slots=True)
class Analysis:
    """SymPy expressions; None where SymPy found none in time.

    Attributes:
        expression: of the function with its parameters.
        simplified, derivative: of it, the derivative with respect to x.
        lower, upper: limits of the function at initialization for x to minus and plus infinity; a float where only
            numbers could tell.
    """

    expression: sp.Expr | None
    simplified: sp.Expr | None
    derivative: sp.Expr | None
    lower: sp.Expr | None
    upper: sp.Expr | None


def analyse(graph: Graph, seconds: float = 5.0) -> Analysis:
    """Return what SymPy finds about ``graph``, spending at most ``seconds`` on each question.

    SymPy cannot be interrupted outside the main thread and on Windows; there the limit does not hold.
    """
    expression = _within(seconds, lambda: to_sympy(graph))
    initial = _within(seconds, lambda: to_sympy(graph, parameters=False))
    simplified = _derived(seconds, expression, sp.simplify)
    slope = _derived(seconds, simplified if simplified is not None else expression, lambda f: sp.diff(f, X))
    short = _derived(seconds, slope, sp.simplify)
    return Analysis(
        expression,
        simplified,
        slope if short is None else short,
        _limit_of(graph, seconds, initial, -1),
        _limit_of(graph, seconds, initial, 1),
    )


def _limit_of(graph: Graph, seconds: float, expression: sp.Expr | None, side: int) -> sp.Expr | None:
    """Return the limit on one side by SymPy, else by looking far out."""
    found = _derived(seconds, expression, lambda f: _limit(f, side * sp.oo))
    return numeric_limit(graph, side) if found is None else found


def numeric_limit(graph: Graph, side: int) -> sp.Expr | None:
    """Return the limit of ``graph`` for x to minus (``side=-1``) or plus infinity (1) as far as values far out show it.

    A float if the values settle, an infinity if they keep growing, None otherwise.
    """
    values = graph(side * np.geomspace(10, 1e5, 9))
    values = values[: int(np.argmin(np.isfinite(values))) + 1] if not np.isfinite(values).all() else values
    if np.isnan(values).any() or values.size < 2:
        return None
    last, before = float(values[-1]), float(values[-2])
    if np.isinf(last) or (abs(last) > 1e3 and (np.diff(np.abs(values)) > 0).all()):
        return sp.oo if last > 0 else -sp.oo
    settled = abs(last - before) <= 1e-6 * max(1.0, abs(last))
    return sp.Float(last, 8) if settled else None


def _derived(
    seconds: float, expression: sp.Expr | None, question: Callable[[sp.Expr], sp.Expr | None]
) -> sp.Expr | None:
    return None if expression is None else _within(seconds, lambda: question(expression))


def _limit(expression: sp.Expr, at: sp.Expr) -> sp.Expr | None:
    found = sp.limit(expression, X, at)
    return None if found.has(sp.Limit, sp.AccumBounds, sp.nan) else found


def _within(seconds: float, question: Callable[[], sp.Expr | None]) -> sp.Expr | None:
    """Return the answer, or None if it takes too long or SymPy gives up."""
    try:
        with time_limit(seconds):
            return question()
    except (
        TimeLimitError,
        NotImplementedError,
        ArithmeticError,
        ValueError,
        TypeError,
        AttributeError,
        RecursionError,
        sp.PoleError,
    ):
        return None  # SymPy raises all of these on expressions that are beyond it


@contextmanager
def time_limit(seconds: float) -> Iterator[None]:
    """Raise :class:`TimeLimitError` in the body after ``seconds``; without effect where there is no timer signal."""
    if not hasattr(signal, "setitimer") or threading.current_thread() is not threading.main_thread():
        yield
        return

    def interrupt(number: int, frame: object) -> None:
        raise TimeLimitError

    before = signal.signal(signal.SIGALRM, interrupt)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
