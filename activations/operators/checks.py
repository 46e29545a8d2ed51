"""Checks of an operator record: its forms must agree, keep shapes, and have finite gradients."""

from __future__ import annotations

import inspect
from itertools import product

import numpy as np
import sympy as sp

from gondwana.activations.errors import OperatorError
from gondwana.activations.operators.backend import value_and_gradients
from gondwana.activations.operators.record import Array, Operator

_ONE = np.linspace(-4.2, 4.2, 33)
_TWO = np.array([-3.7, -2.0, -1.0, -0.4, 0.0, 0.3, 1.0, 1.7, 2.0, 3.9])
_SYMPY_POINTS = 12
_MARGIN = 1e-3
"""Gradients are not looked at closer than this to a kink."""


def check_operator(op: Operator) -> None:
    """Compare the forms of ``op`` on a grid.

    Checked: the NumPy and Keras forms take its number of arguments and keep shapes; the value is finite inside the
    domain; NumPy, Keras (in the precision of its result) and SymPy agree; the gradient is finite inside the domain,
    away from kinks; the neutral second argument is neutral; a constant does not vary.

    Raises:
        OperatorError: naming the first disagreement and where it is.
    """
    arguments = _grid(op)
    _check_arity(op, len(arguments))
    with np.errstate(all="ignore"):
        values = np.asarray(op.numpy(*arguments), dtype=float)
    if values.shape != arguments[0].shape:
        raise _error(op, f"NumPy form: shape {arguments[0].shape} became {values.shape}")
    inside = np.asarray(op.domain.contains(*arguments), dtype=bool)
    _require(op, ~inside | np.isfinite(values), arguments, "the NumPy form is not finite inside the domain")
    _check_keras(op, arguments, values, inside)
    _check_sympy(op, arguments, values, inside)
    _check_neutral(op, arguments)
    if op.constant and np.ptp(values) != 0:
        raise _error(op, "it is declared constant, but its value varies")


def _grid(op: Operator) -> list[Array]:
    if op.arity == 1:
        return [np.union1d(_ONE, np.asarray(op.kinks, dtype=float))]
    return [np.array(column) for column in zip(*product(_TWO, repeat=op.arity or 3), strict=True)]


def _check_arity(op: Operator, count: int) -> None:
    try:
        inspect.signature(op.numpy).bind(*range(count))
    except ValueError:
        return  # a NumPy ufunc has no signature; a wrong number shows when it is called
    except TypeError:
        raise _error(op, f"the NumPy form does not take {op.arity_in_words}") from None


def _check_keras(op: Operator, arguments: list[Array], values: Array, inside: np.ndarray) -> None:
    result, gradients = value_and_gradients(op.keras, *arguments)
    if result.shape != values.shape:
        raise _error(op, f"Keras form: shape {values.shape} became {result.shape}")
    tolerance = 1e-9 if result.dtype == np.float64 else 1e-5
    agree = np.isclose(result, values, rtol=tolerance, atol=tolerance / 10)
    _require(op, ~inside | agree, arguments, "the NumPy and Keras forms disagree")
    smooth = inside & _away_from_kinks(op, arguments)
    for gradient in gradients:
        _require(
            op, ~smooth | np.isfinite(gradient), arguments, "the gradient of the Keras form is not finite"
        )


def _away_from_kinks(op: Operator, arguments: list[Array]) -> np.ndarray:
    with np.errstate(all="ignore"):
        distances = [np.abs(arguments[0] - kink) for kink in op.kinks]
        if op.switch is not None:
            distances.append(np.abs(op.switch(*arguments)))
    nearest = np.min([np.full(arguments[0].shape, np.inf), *distances], axis=0)
    return np.asarray(nearest > _MARGIN)


def _check_sympy(op: Operator, arguments: list[Array], values: Array, inside: np.ndarray) -> None:
    candidates = np.flatnonzero(inside)
    for i in candidates[:: max(1, candidates.size // _SYMPY_POINTS)]:
        point = [sp.Float(float(argument[i]), 30) for argument in arguments]
        value = complex(sp.N(op.sympy(*point), 30))
        if not np.isclose(value, values[i], rtol=1e-9, atol=1e-10):
            raise _error(
                op,
                f"the SymPy form gives {value:.6g}, the NumPy form {values[i]:.6g} at {_place(arguments, i)}",
            )


def _check_neutral(op: Operator, arguments: list[Array]) -> None:
    if op.neutral is None:
        return
    if op.arity != 2:
        raise _error(op, "only a binary operator has a neutral second argument")
    first = arguments[0]
    second = first if op.neutral == "copy" else np.full_like(first, op.neutral)
    if not np.array_equal(op.numpy(first, second), first):
        raise _error(op, f"the second argument {op.neutral!r} is not neutral")


def _place(arguments: list[Array], i: int) -> str:
    return f"({', '.join(f'{argument[i]:.4g}' for argument in arguments)})"


def _require(op: Operator, holds: np.ndarray, arguments: list[Array], problem: str) -> None:
    if not holds.all():
        raise _error(op, f"{problem} at {_place(arguments, int(np.flatnonzero(~holds)[0]))}")


def _error(op: Operator, problem: str) -> OperatorError:
    return OperatorError(f"operator {op.name!r}: {problem}")
