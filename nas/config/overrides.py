"""``--set key.path=value``: changes to a config before it is validated."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from gondwana.nas.config.error import ConfigError


@dataclass(frozen=True, slots=True)
class Override:
    """One change: the value at ``path`` becomes ``value``; ``text`` is what the user typed."""

    path: tuple[str, ...]
    value: Any
    text: str


def parse_override(text: str, parse_value: Callable[[str], Any]) -> Override:
    """Split ``key.path=value``.

    Raises:
        ConfigError: if the text has no ``=`` or an empty key.
        ValueError: whatever ``parse_value`` raises for the value.
    """
    key, separator, value = text.partition("=")
    path = tuple(part.strip() for part in key.split("."))
    if not separator or not all(path):
        raise ConfigError(f"--set {text}: must be key.path=value, for example --set training.epochs=3")
    return Override(path, parse_value(value), text)


def apply_overrides(data: Mapping[str, Any], overrides: Sequence[Override]) -> dict[str, Any]:
    """Return a copy of ``data`` with the changes made, the later ones last; ``data`` stays as it is.

    Mappings on the way to a key are made when they are missing; a number selects an item of a list.

    Raises:
        ConfigError: if a path leads through a value that is neither a mapping nor a list.
    """
    result: dict[str, Any] = copy.deepcopy(dict(data))
    for override in overrides:
        place: Any = result
        for depth, part in enumerate(override.path[:-1]):
            place = _descend(place, part, override, depth)
        _assign(place, override.path[-1], override)
    return result


def _descend(place: Any, part: str, override: Override, depth: int) -> Any:
    if isinstance(place, dict):
        if place.get(part) is None:
            place[part] = {}
        found = place[part]
    else:
        found = place[_index(place, part, override)]
    if not isinstance(found, dict | list):
        raise ConfigError(
            f"--set {override.text}: {'.'.join(override.path[: depth + 1])} is the value {found!r}, "
            "it has no keys below it"
        )
    return found


def _assign(place: Any, part: str, override: Override) -> None:
    if isinstance(place, dict):
        place[part] = override.value
    else:
        place[_index(place, part, override)] = override.value


def _index(place: list[Any], part: str, override: Override) -> int:
    if not part.isdigit() or int(part) >= len(place):
        raise ConfigError(
            f"--set {override.text}: {part!r} must be the number of an item, 0 to {len(place) - 1}, of a list"
        )
    return int(part)
