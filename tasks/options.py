"""Checks of what a user wrote: names, whole numbers, fractions. Every message says what was received and what to do."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


def unknown_name(what: str, name: str, valid: Iterable[str]) -> str:
    """Return the message for a name that is none of ``valid``: the closest one first, then all."""
    names = sorted(valid)
    closest = difflib.get_close_matches(str(name), names, n=1, cutoff=0.5)
    hint = f" Did you mean {closest[0]!r}?" if closest else ""
    return f"unknown {what} {name!r}.{hint} Valid: {', '.join(names) or 'none'}"


def check_names(what: str, names: Iterable[str], valid: Iterable[str]) -> None:
    """Refuse the first of ``names`` that is none of ``valid``.

    Raises:
        ValueError: with the closest valid name.
    """
    known = tuple(valid)
    for name in names:
        if name not in known:
            raise ValueError(unknown_name(what, name, known))


def check_choice(what: str, value: object, valid: Iterable[str]) -> None:
    """Raise a ValueError unless ``value`` is one of ``valid``."""
    names = tuple(valid)
    if value not in names:
        raise ValueError(unknown_name(what, str(value), names))


def check_int(what: str, value: object, *, least: int) -> None:
    """Raise a ValueError unless ``value`` is an int (no bool) of at least ``least``."""
    if isinstance(value, bool) or not isinstance(value, int) or value < least:
        raise ValueError(f"{what} must be a whole number of at least {least}. Received: {value!r}")


def check_bool(what: str, value: object) -> None:
    """Raise a ValueError unless ``value`` is True or False."""
    if not isinstance(value, bool):
        raise ValueError(f"{what} must be true or false. Received: {value!r}")


def check_number(what: str, value: object, *, low: float, high: float, open_low: bool = False) -> None:
    """Raise a ValueError unless ``value`` is a number with ``low <= value <= high``.

    ``open_low`` excludes ``low`` itself. NaN is always refused.
    """
    number = isinstance(value, int | float) and not isinstance(value, bool)
    if number and low <= float(value) <= high and not (open_low and value == low):  # type: ignore[arg-type]
        return
    below = "greater than" if open_low else "of at least"
    above = "" if high == float("inf") else f" and at most {high:g}"
    raise ValueError(f"{what} must be a number {below} {low:g}{above}. Received: {value!r}")
