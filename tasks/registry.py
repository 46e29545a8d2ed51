"""Tasks by name."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any, TypeVar

from gondwana.tasks.base import Task
from gondwana.tasks.metrics import find
from gondwana.tasks.options import check_names, unknown_name
from gondwana.tasks.scored import Scored

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


def task_class(name: str) -> type[Task]:
    """Return the class registered as ``name``.

    Raises:
        ValueError: if the name is unknown (the message names the closest and all).
    """
    if name not in _TASKS:
        raise ValueError(
            f"{unknown_name('task', name, _TASKS)}. A task of your own is loaded from its file: "
            "'task.file' in a config, $GONDWANA_PLUGINS for commands that read a run"
        )
    return _TASKS[name]


def get(name: str, *, metric: str | None = None, **options: Any) -> Task:
    """Return the task ``name`` with these options. Touches no data.

    Args:
        name: as registered.
        metric: what the fitness is, in place of the task's own metric; one of :data:`gondwana.tasks.metrics.METRICS`.
        **options: of the task.

    Raises:
        ValueError: if the name or an option is unknown (the message names the closest and all), or if an option has
            a value that the task refuses.
    """
    kind = task_class(name)
    parameters = inspect.signature(kind).parameters
    check_names(f"option of task {name!r}", options, parameters)
    needed = [key for key, p in parameters.items() if p.default is p.empty and p.kind is not p.VAR_KEYWORD]
    absent = [key for key in needed if key not in options]
    if absent:
        raise ValueError(f"task {name!r} needs the options {', '.join(absent)}")
    task = kind(**options)
    if metric is None:
        return task
    if not isinstance(metric, str):
        raise ValueError(f"metric must be a name. Received: {metric!r}")
    find(metric)
    return Scored(task, metric)
