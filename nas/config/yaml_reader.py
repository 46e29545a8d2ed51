"""Reading YAML that may come from a stranger: plain data or one clear error, never code, never a flood of memory."""

from __future__ import annotations

import math
import re
from collections.abc import Hashable
from pathlib import Path
from typing import Any

import yaml

MAX_BYTES = 1_000_000
MAX_NODES = 100_000
"""Nodes after expanding aliases: a few lines of nested aliases would otherwise expand to gigabytes."""
MAX_DEPTH = 40


class YamlError(ValueError):
    """The text is not YAML, or YAML that a config cannot be."""


class _Loader(yaml.SafeLoader):
    """Safe loader that also refuses a key given twice and reads ``1e-3`` as the number it is in YAML 1.2."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        seen: set[str] = set()
        for key, _ in node.value:
            if isinstance(key, yaml.ScalarNode) and key.tag != "tag:yaml.org,2002:merge":
                if key.value in seen:
                    raise yaml.constructor.ConstructorError(
                        None, None, f"the key {key.value!r} stands twice in one mapping", key.start_mark
                    )
                seen.add(key.value)
        return super().construct_mapping(node, deep)


_Loader.add_implicit_resolver(
    "tag:yaml.org,2002:float",
    re.compile(r"^[-+]?[0-9][0-9_]*(\.[0-9]*)?[eE][-+]?[0-9]+$"),
    list("-+0123456789"),
)


def parse_yaml(text: str) -> Any:
    """Return the plain data (str, int, float, bool, None, lists, dicts with str keys) that ``text`` says.

    Raises:
        YamlError: if it is not YAML, asks for objects other than plain data, gives a key twice, is nested deeper than
            :data:`MAX_DEPTH` or larger than :data:`MAX_NODES` nodes, or holds a date or a number that is not finite.
    """
    try:
        value = yaml.load(text, Loader=_Loader)
    except yaml.MarkedYAMLError as error:
        place = f" at line {error.problem_mark.line + 1}" if error.problem_mark else ""
        raise YamlError(f"not valid YAML{place}: {error.problem or error.context}") from error
    except (yaml.YAMLError, ValueError) as error:
        raise YamlError(f"not valid YAML: {' '.join(str(error).split())}") from error
    except RecursionError as error:
        raise YamlError(f"not valid YAML: nested deeper than {MAX_DEPTH} levels") from error
    _check(value)
    return value


def read_yaml(path: Path) -> Any:
    """Return the plain data of a YAML file.

    Raises:
        YamlError: as :func:`parse_yaml`, and if the file cannot be read, is too large or is not UTF-8.
    """
    try:
        size = path.stat().st_size
        if size > MAX_BYTES:
            raise YamlError(f"too large for a config: {size} bytes, at most {MAX_BYTES}")
        return parse_yaml(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise YamlError("no such file") from error
    except UnicodeDecodeError as error:
        raise YamlError("not a text file in UTF-8") from error
    except OSError as error:
        raise YamlError(f"cannot be read: {error.strerror}") from error


def _check(root: Any) -> None:
    stack: list[tuple[Any, int]] = [(root, 0)]
    count = 0
    while stack:
        value, depth = stack.pop()
        count += 1
        if count > MAX_NODES:
            raise YamlError(f"more than {MAX_NODES} values (after expanding aliases)")
        if depth > MAX_DEPTH:
            raise YamlError(f"nested deeper than {MAX_DEPTH} levels")
        if isinstance(value, dict):
            wrong = next((key for key in value if not isinstance(key, str)), None)
            if wrong is not None:
                raise YamlError(f"keys must be words. Received: {wrong!r}; put it in quotes")
            stack.extend((item, depth + 1) for item in value.values())
        elif isinstance(value, list):
            stack.extend((item, depth + 1) for item in value)
        elif isinstance(value, float) and not math.isfinite(value):
            raise YamlError(f"numbers must be finite. Received: {value}")
        elif not isinstance(value, str | int | float | None):
            raise YamlError(
                f"a {type(value).__name__} is not allowed here. Received: {value}; put it in quotes"
            )
