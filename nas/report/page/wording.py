"""Numbers and times as a reader wants them."""

from __future__ import annotations

from datetime import UTC, datetime


def when(seconds: float) -> str:
    """Return a Unix time as UTC date and time."""
    return datetime.fromtimestamp(seconds, tz=UTC).strftime("%Y-%m-%d %H:%M UTC")


def duration(seconds: float) -> str:
    """Return seconds as a readable duration."""
    if seconds < 120:
        return f"{seconds:.1f} s"
    if seconds < 7200:
        return f"{seconds / 60:.1f} min"
    return f"{seconds / 3600:.1f} h"


def number(value: float | None) -> str:
    """Return a fitness with four digits, or nothing."""
    return "" if value is None else f"{value:.4f}"


def count(value: int | None) -> str:
    """Return a count with separators, or nothing."""
    return "" if value is None else f"{value:,}"
