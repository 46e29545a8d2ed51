"""Tasks by name."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any, TypeVar

from tasks.base import Task
from tasks.options import check_names, unknown_name

_TASKS: dict[str, type[Task]] = {}

T = TypeVar("T", bound=type[Task])


def register(name: str) -> Callable[[T], T]:
    """Class decorator: make a :class:`Task` subclass available as ``tasks.get(name)``.

    The keyword arguments of its constructor are the task's options.

    Raises:
        ValueError: if the name is taken by another class.
    """

    def add(kind: T) -> T:
        taken = _TASKS.get(name)
        if taken is not None and (taken.__module__, taken.__qualname__) != (
            kind.__module__,
            kind.__qualname__,
        ):
            raise ValueError(
                f"task {name!r} is already registered by {taken.__module__}.{taken.__qualname__}"
            )
        _TASKS[name] = kind
        return kind

    return add


def names() -> tuple[str, ...]:
    """Return the names of all registered tasks, sorted."""
    return tuple(sorted(_TASKS))


def get(name: str, **options: Any) -> Task:
    """Return the task ``name`` with these options. Touches no data.

    Raises:
        ValueError: if the name or an option is unknown (the message names the closest and all), or if an option has
            a value that the task refuses.
    """
    if name not in _TASKS:
        raise ValueError(unknown_name("task", name, _TASKS))
    kind = _TASKS[name]
    check_names(f"option of task {name!r}", options, inspect.signature(kind).parameters)
    return kind(**options)
