"""Durations as people write them: ``90``, ``90s``, ``20m``, ``1h30m``, ``2d``."""

from __future__ import annotations

import re
from typing import Any

UNITS = {"d": 86400.0, "h": 3600.0, "m": 60.0, "min": 60.0, "s": 1.0}
_PART = re.compile(r"(\d+(?:\.\d+)?)\s*(d|h|min|m|s)?", re.IGNORECASE)


def seconds_of(value: Any) -> Any:
    """Return the seconds of a duration in text; what is no text is returned as it is.

    Raises:
        ValueError: if the text is no duration.
    """
    if not isinstance(value, str):
        return value
    text = value.strip()
    parts = list(_PART.finditer(text))
    rest = _PART.sub("", text).strip()
    if not parts or rest or (len(parts) > 1 and not all(part[2] for part in parts)):
        raise ValueError("must be seconds, or a duration such as 90s, 20m or 1h30m")
    return sum(float(part[1]) * UNITS[(part[2] or "s").lower()] for part in parts)
