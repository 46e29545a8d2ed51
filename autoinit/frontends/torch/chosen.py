"""Which parameters of a module are drawn, and which keep the values that they have."""

from __future__ import annotations

import difflib
import fnmatch
from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeAlias

import torch

from gondwana.autoinit.errors import AutoInitError

Selector: TypeAlias = "str | torch.nn.Module | Callable[[torch.nn.Module], bool]"
"""A part of the module by its path or a glob (``"encoder.*"``); the part; or a test of a part."""

LayerChoice: TypeAlias = "Selector | Iterable[Selector]"

FROZEN, LEFT_OUT = "frozen", "not chosen"


def kept_parameters(module: Any, layers: LayerChoice | None = None) -> Mapping[int, str]:
    """Return why a parameter keeps its values, by its ``id``: it needs no gradient, or ``layers`` leaves it out.

    A part inside a chosen one is chosen.

    Raises:
        AutoInitError: if a part of ``layers`` matches nothing, or nothing that can be drawn.
    """
    reasons = {id(parameter): FROZEN for parameter in module.parameters() if not parameter.requires_grad}
    if layers is None:
        return reasons
    parts = [module.get_submodule(path) for path in chosen_paths(module, layers)]
    chosen = {id(parameter) for part in parts for parameter in part.parameters()}
    for parameter in module.parameters():
        if id(parameter) not in chosen:
            reasons.setdefault(id(parameter), LEFT_OUT)
    if all(id(parameter) in reasons for parameter in module.parameters()):
        raise AutoInitError(
            "layers= chooses nothing that can be drawn: the layers are frozen (requires_grad=False), or have no "
            f"parameters. Received: {layers!r}"
        )
    return reasons


def chosen_paths(module: Any, layers: LayerChoice) -> frozenset[str]:
    """Return the paths of the parts that ``layers`` chooses.

    Raises:
        AutoInitError: if a part of ``layers`` matches nothing.
    """
    found: set[str] = set()
    for selector in _selectors(layers):
        paths = {path for path, part in module.named_modules() if path and _matches(selector, path, part)}
        if not paths:
            raise AutoInitError(f"no layer matches {selector!r} in layers=. {_near(selector, module)}")
        found |= paths
    return frozenset(found)


def _selectors(layers: Any) -> list[Any]:
    if isinstance(layers, str | torch.nn.Module) or callable(layers):
        return [layers]
    if isinstance(layers, Iterable):
        found = list(layers)
        if not found:
            raise AutoInitError("layers= is empty. Leave it out to draw all layers that are trainable")
        return found
    raise AutoInitError(
        "layers= takes paths, globs, modules or functions of a module, one or a list of them. "
        f"Received: {layers!r}"
    )


def _matches(selector: Any, path: str, part: Any) -> bool:
    if isinstance(selector, str):
        name = path.rpartition(".")[2]
        return any(text == selector or fnmatch.fnmatchcase(text, selector) for text in (path, name))
    if isinstance(selector, torch.nn.Module):
        return part is selector
    if callable(selector):
        return bool(selector(part))
    raise AutoInitError(
        "layers= takes paths, globs, modules or functions of a module. "
        f"Received: {type(selector).__name__} {selector!r}"
    )


def _near(selector: Any, module: Any) -> str:
    paths = [path for path, _ in module.named_modules() if path]
    close = difflib.get_close_matches(selector, paths, n=3) if isinstance(selector, str) else []
    shown = ", ".join(close or paths[:8])
    more = "" if close or len(paths) <= 8 else f" and {len(paths) - 8} more"
    return f"Layers of the module: {shown}{more}"
