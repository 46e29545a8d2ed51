"""Turning pydantic's report into one line that a user can act on."""

from __future__ import annotations

import types
from collections.abc import Sequence
from difflib import get_close_matches
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel, ValidationError

from gondwana.nas.config.overrides import Override

NUMBER, MAPPING = "number", "mapping"
"""Tags of the members of a union of a number and a mapping; no part of a path that a user wrote."""

SHOWN = 3
"""Number of mistakes that are spelled out; the rest are counted."""


def describe(
    error: ValidationError, model: type[BaseModel], source: str, overrides: Sequence[Override] = ()
) -> str:
    """Return one line: where, what, the value received, the remedy, for the first mistakes that pydantic found.

    Args:
        error: what pydantic raised.
        model: the class that was validated, from which the valid keys are known.
        source: the file's name.
        overrides: changes that were made; a mistake in one of them is reported as the override's, not the file's.
    """
    mistakes = error.errors(include_url=False)
    texts = []
    for mistake in mistakes[:SHOWN]:
        path, keys = _resolve(model, mistake["loc"])
        origin = _origin(path, mistake["type"] == "extra_forbidden", source, overrides)
        texts.append(f"{origin}: {_sentence(dict(mistake), path, keys)}")
    if len(mistakes) > SHOWN:
        texts.append(f"and {len(mistakes) - SHOWN} more")
    return "; ".join(texts)


def _origin(path: tuple[str, ...], unknown: bool, source: str, overrides: Sequence[Override]) -> str:
    """Return what to blame for a mistake at ``path``: an override at or above it, the file, or both."""
    for item in reversed(overrides):
        if path[: len(item.path)] == item.path:
            return f"--set {item.text}"
        if path and item.path[: len(path)] == path:  # it changed a part of what is wrong
            return f"--set {item.text}" if unknown else f"{source} with --set {item.text}"
    return source


def suggestion(word: str, valid: Sequence[str]) -> str:
    """Return the closest valid word as a question, or the list of valid words when none is close."""
    close = get_close_matches(word, valid, n=1, cutoff=0.6)
    return f"did you mean {close[0]!r}?" if close else f"valid are {', '.join(sorted(valid))}"


def _sentence(mistake: dict[str, Any], path: tuple[str, ...], keys: Sequence[str]) -> str:
    key = ".".join(path) or "config"
    kind = mistake["type"]
    if kind == "extra_forbidden":
        return f"unknown key {key!r}; {suggestion(path[-1], keys)}"
    if kind == "missing":
        return f"the key {key!r} is missing"
    if kind == "union_tag_invalid":
        context = mistake["ctx"]
        valid = [word.strip().strip("'") for word in str(context["expected_tags"]).split(",")]
        return f"{key}.{str(context['discriminator']).strip(chr(39))} is {context['tag']!r}; " + suggestion(
            str(context["tag"]), valid
        )
    if kind == "union_tag_not_found":
        return f"{key} lacks the key {mistake['ctx']['discriminator']}"
    message = str(mistake["msg"]).removeprefix("Value error, ").removeprefix(f"{key}: ")
    received = repr(mistake.get("input"))
    if "Received:" in message or len(received) > 120 or isinstance(mistake.get("input"), dict):
        return f"{key}: {message}"
    return f"{key}: {message[:1].lower()}{message[1:]}. Received: {received}"


def _resolve(model: type[BaseModel], location: Sequence[str | int]) -> tuple[tuple[str, ...], list[str]]:
    """Return the path as the user wrote it (without the tags of unions), and the valid keys of its last mapping."""
    kind: Any = model
    path: list[str] = []
    keys: list[str] = []
    for part in location:
        members = _members(kind)
        if len(members) > 1 and part in (NUMBER, MAPPING):
            kind = next((m for m in members if _is_model(m) == (part == MAPPING)), kind)
            keys = list(kind.model_fields) if _is_model(kind) else []
            continue
        tagged = [member for member in members if len(members) > 1 and _tag(member) == part]
        if tagged:
            kind = tagged[0]
            keys = list(kind.model_fields)
            continue
        path.append(str(part))
        owner = next((m for m in members if _is_model(m) and str(part) in m.model_fields), None)
        models = [m for m in members if _is_model(m)]
        keys = sorted({key for m in (models or ()) for key in m.model_fields})
        if owner is not None:
            kind = owner.model_fields[str(part)].annotation
        else:
            kind = _item(members)
    return tuple(path), keys


def _members(kind: Any) -> list[Any]:
    """Return the alternatives of an annotation, without Annotated, None and nesting."""
    if hasattr(kind, "__value__"):
        return _members(kind.__value__)
    origin = get_origin(kind)
    if origin is Annotated:
        return _members(get_args(kind)[0])
    if origin in (Union, types.UnionType):
        return [member for item in get_args(kind) for member in _members(item)]
    return [] if kind is type(None) else [kind]


def _item(members: Sequence[Any]) -> Any:
    """Return the annotation of the items of the first container among ``members``; None if there is none."""
    for member in members:
        arguments = [item for item in get_args(member) if item is not Ellipsis]
        if arguments:
            return arguments[-1]
    return None


def _is_model(kind: Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, BaseModel)


def _tag(kind: Any) -> Any:
    """Return the value of the model's ``kind`` field if it is a Literal of one value."""
    field = kind.model_fields.get("kind") if _is_model(kind) else None
    if field is None or get_origin(field.annotation) is not Literal:
        return None
    return get_args(field.annotation)[0]
