"""Dates in text, of the form ``2024-03-31`` or ``2024-03-31T14:05:59.25``, as numbers of days, in Keras' operations."""

from __future__ import annotations

from typing import Any

import numpy as np
from keras import layers, ops

Tensor = Any

LENGTH = 26
"""Characters that are looked at: up to microseconds."""
_SIGNS = "0123456789-T :.Z"
_PAD, _FIRST = 0, 2
"""Places of TextVectorization: 0 where the text has ended, 1 for another sign, then the signs above."""


def _allowed() -> np.ndarray:
    """Return for each position which places it may hold, shape (LENGTH, 2 + signs)."""
    digits, end = "0123456789", True
    forms: list[tuple[str, bool]] = [(digits, False)] * 4 + [("-", False)]
    forms += [(digits, False)] * 2 + [("-", False)] + [(digits, False)] * 2
    forms += [("T ", end), (digits, end), (digits, end), (":", end), (digits, end), (digits, end)]
    forms += [(":Z", end), (digits, end), (digits, end), (".Z", end)] + [(digits + "Z", end)] * 6
    table = np.zeros((LENGTH, _FIRST + len(_SIGNS)))
    for position, (signs, may_end) in enumerate(forms):
        table[position, [_FIRST + _SIGNS.index(sign) for sign in signs]] = 1.0
        table[position, _PAD] = float(may_end)
    return table


def _values() -> np.ndarray:
    """Return what a digit at each position adds to year, month, day and the share of the day, shape (LENGTH, 4)."""
    table = np.zeros((LENGTH, 4))
    table[0:4, 0] = 1000, 100, 10, 1
    table[5:7, 1] = 10, 1
    table[8:10, 2] = 10, 1
    table[[11, 12], 3] = 10 / 24, 1 / 24
    table[[14, 15], 3] = 10 / 1440, 1 / 1440
    table[[17, 18], 3] = 10 / 86400, 1 / 86400
    table[20:26, 3] = 10.0 ** -np.arange(1, 7) / 86400
    return table


def days_of(raw: Tensor) -> tuple[Tensor, Tensor]:
    """Return days since 1970-01-01 with fractions, and whether there is no date; both of shape (rows, 1).

    Args:
        raw: strings, shape (rows, 1). What is no date of the form above counts as empty.
    """
    signs = layers.TextVectorization(
        standardize=None,
        split="character",
        output_mode="int",
        output_sequence_length=LENGTH,
        vocabulary=list(_SIGNS),
    )(raw)
    signs = layers.Reshape((LENGTH,))(signs)
    shown = ops.one_hot(signs, _FIRST + len(_SIGNS), dtype="float64")
    good = ops.min(ops.sum(ops.multiply(shown, _allowed()), axis=-1), axis=-1, keepdims=True)
    digit = np.zeros(_FIRST + len(_SIGNS))
    digit[_FIRST : _FIRST + 10] = np.arange(10)
    digits = ops.sum(ops.multiply(shown, digit), axis=-1)
    parts = ops.matmul(digits, _values())
    year, month, day, share = (parts[:, number : number + 1] for number in range(4))
    real = ops.logical_and(ops.greater_equal(month, 1.0), ops.less_equal(month, 12.0))
    real = ops.logical_and(real, ops.logical_and(ops.greater_equal(day, 1.0), ops.less(share, 1.0)))
    real = ops.logical_and(real, ops.less_equal(day, _length_of_month(year, month)))
    empty = ops.logical_not(ops.logical_and(real, ops.greater(good, 0.5)))
    return ops.add(_civil(year, month, day), share), empty


def _civil(year: Tensor, month: Tensor, day: Tensor) -> Tensor:
    """Return the days from 1970-01-01 to a day of the Gregorian calendar, by the formula of the Julian day number."""
    late = ops.floor(ops.divide(ops.subtract(14.0, month), 12.0))
    y = ops.subtract(ops.add(year, 4800.0), late)
    m = ops.subtract(ops.add(month, ops.multiply(late, 12.0)), 3.0)
    months = ops.floor(ops.divide(ops.add(ops.multiply(m, 153.0), 2.0), 5.0))
    leaps = ops.add(
        ops.subtract(ops.floor(ops.divide(y, 4.0)), ops.floor(ops.divide(y, 100.0))),
        ops.floor(ops.divide(y, 400.0)),
    )
    days = ops.add(ops.add(day, months), ops.add(ops.multiply(y, 365.0), leaps))
    return ops.subtract(days, 32045.0 + 2440588.0)


def _length_of_month(year: Tensor, month: Tensor) -> Tensor:
    """Return 28, 29, 30 or 31."""

    def divides(number: float) -> Tensor:
        return ops.cast(ops.equal(ops.mod(year, number), 0.0), "float64")

    leap = ops.add(ops.subtract(divides(4.0), divides(100.0)), divides(400.0))
    odd = ops.mod(ops.add(month, ops.floor(ops.divide(month, 8.0))), 2.0)
    return ops.where(ops.equal(month, 2.0), ops.add(leap, 28.0), ops.add(odd, 30.0))
