"""Keys and values of version 0.1's configs that have another name now.

A config file may still use them and its reader says so; the configs that old runs recorded are read without a word.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

_KINDS = {"arms": "side_by_side"}
_KEYS = {"credit": "fitness_assignment"}
"""Keys of a CoDeepNEAT search, which stands under ``search`` or under ``search.evolution``."""


def renewed(config: Mapping[str, Any]) -> tuple[dict[str, Any], tuple[str, ...]]:
    """Return a config with today's names, and a note for each that was changed.

    What is not a mapping where one belongs is left for validation to refuse.

    Args:
        config: plain data, as from YAML or JSON; it stays as it is.
    """
    search = config.get("search")
    if not isinstance(search, Mapping):
        return dict(config), ()
    notes: list[str] = []
    found = _renamed(search, "search", notes)
    if isinstance(found.get("evolution"), Mapping):
        found["evolution"] = _renamed(found["evolution"], "search.evolution", notes)
    if isinstance(found.get("kind"), str) and found["kind"] in _KINDS:
        notes.append(f"search.kind: {found['kind']} is called {_KINDS[found['kind']]} now")
        found["kind"] = _KINDS[found["kind"]]
    return {**config, "search": found}, tuple(notes)


def _renamed(section: Mapping[str, Any], place: str, notes: list[str]) -> dict[str, Any]:
    """Return a section with renamed keys; one that stands beside its new name is left for validation to refuse."""
    renamed = {old: new for old, new in _KEYS.items() if old in section and new not in section}
    notes += [f"{place}.{old} is called {new} now" for old, new in renamed.items()]
    return {renamed.get(key, key): value for key, value in section.items()}


def with_first_defaults(config: Mapping[str, Any]) -> dict[str, Any]:
    """Return a recorded config with the defaults that held when it was recorded.

    Strategies that name no version have those of 0.1, which wrote none. PANGAEA's searches that say nothing of a
    surrogate had none.
    """
    search = config.get("search")
    if not isinstance(search, Mapping):
        return dict(config)
    found = {key: _marked(value) if key == "initialization" else value for key, value in search.items()}
    if found.get("kind") == "pangaea":
        found.setdefault("surrogate", None)
    if found.get("kind") == "codeepneat":
        found.setdefault("breed_within_limits", False)
    if isinstance(found.get("strategies"), Sequence):
        found["strategies"] = [_marked(item) for item in found["strategies"]]
    if isinstance(found.get("evolution"), Mapping):
        found["evolution"] = with_first_defaults({"search": found["evolution"]})["search"]
    return {**config, "search": found}


def _marked(strategy: Any) -> Any:
    return {"defaults": "0.1", **strategy} if isinstance(strategy, Mapping) else strategy
