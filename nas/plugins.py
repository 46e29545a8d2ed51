"""A user's own code: tasks and layer types in Python files or modules that a config names.

It is run by the commands that train (``evolve``, ``compare CONFIG``, ``resume``), whose config the user has chosen, and
in their workers. Commands that only read a run's folder run nothing that it names, unless the user names it as well, in
``$GONDWANA_PLUGINS``.
"""

from __future__ import annotations

import importlib
import os
from collections.abc import Iterable, Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError, model_validator

from gondwana.tasks.user_code import UserCodeError, file_digest, load_file, run_file

ENVIRONMENT = "GONDWANA_PLUGINS"
"""Environment variable: files and modules to load first, separated as in ``PATH``."""


class PluginError(ValueError):
    """A user's code cannot be loaded, or is not what it was when the run began."""


class Plugin(BaseModel):
    """A file or module of the user's own code that a run loads.

    Attributes:
        source: absolute path of a Python file, or the name of a module that can be imported.
        sha256: digest of the file; one with another is refused. None checks nothing.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    source: str
    sha256: str | None = None

    @model_validator(mode="before")
    @classmethod
    def _from_text(cls, data: Any) -> Any:
        return {"source": data} if isinstance(data, str) else data


def load_plugins(plugins: Iterable[Plugin | str]) -> None:
    """Load each plugin, once in a process.

    Raises:
        PluginError: if one is not there, fails, or has another digest than it should.
    """
    for plugin in plugins:
        _load(plugin if isinstance(plugin, Plugin) else Plugin(source=plugin))


def environment_plugins() -> tuple[Plugin, ...]:
    """Return what ``$GONDWANA_PLUGINS`` names, paths relative to the working directory."""
    sources = [part for part in os.environ.get(ENVIRONMENT, "").split(os.pathsep) if part]
    return tuple(resolved(source, Path()) for source in sources)


def resolved(source: str, folder: Path) -> Plugin:
    """Return the plugin that ``source`` means in a config in ``folder``, with its digest.

    A file is a path that ends in ``.py``, relative to ``folder``. A name without that is a module; if it cannot be
    imported and ``folder`` holds a file of that name, it is the file.

    Raises:
        PluginError: if there is no such file.
    """
    file = folder / Path(source).expanduser()
    if not source.endswith(".py"):
        beside = folder / f"{source}.py"
        if not beside.is_file() or _importable(source):
            return Plugin(source=source)
        file = beside
    try:
        return Plugin(source=str(file.resolve()), sha256=file_digest(file.resolve()))
    except UserCodeError as error:
        raise PluginError(str(error)) from error


def gathered(data: Mapping[str, Any], folder: Path) -> dict[str, Any]:
    """Return a config's plain data with all its user code under ``plugins``, and load that code.

    ``task.file`` (or a ``task.name`` that ends in ``.py``) becomes the name of the task that the file registers;
    ``modules`` of a search space are moved. Data of another form are left for validation to refuse.

    Args:
        data: the config as YAML gives it; it stays as it is.
        folder: what relative paths are relative to.

    Raises:
        PluginError: if code cannot be loaded.
    """
    try:
        found = _listed(data.get("plugins") or (), folder)
    except (TypeError, ValidationError):
        return dict(data)
    load_plugins(found)
    task, from_task = _without_file(data.get("task"), folder)
    search, from_search = _without_modules(data.get("search"), folder)
    load_plugins(from_search)
    found = list(dict.fromkeys([*found, *from_task, *from_search]))
    changed = {
        "task": task,
        "search": search,
        "plugins": [plugin.model_dump(mode="json") for plugin in found],
    }
    return {**data, **{key: value for key, value in changed.items() if key in data or value}}


def _listed(given: Any, folder: Path) -> list[Plugin]:
    if isinstance(given, str | Mapping):
        raise TypeError("a list")
    return [
        resolved(item, folder) if isinstance(item, str) else _placed(Plugin.model_validate(item), folder)
        for item in given
    ]


def _placed(plugin: Plugin, folder: Path) -> Plugin:
    """Return a plugin written out as a mapping with the absolute path of its file, and a digest in any case."""
    if not plugin.source.endswith(".py"):
        return plugin
    here = resolved(plugin.source, folder)
    return here if plugin.sha256 is None else here.model_copy(update={"sha256": plugin.sha256})


def _without_file(task: Any, folder: Path) -> tuple[Any, list[Plugin]]:
    if not isinstance(task, Mapping):
        return task, []
    name, source = task.get("name"), task.get("file")
    if source is None and isinstance(name, str) and name.endswith(".py"):
        name, source = None, name
    if source is None:
        return task, []
    if not isinstance(source, str) or not source.endswith(".py"):
        raise PluginError(f"task.file is the path of a Python file. Received: {source!r}")
    plugin = resolved(source, folder)
    try:
        registered = load_file(plugin.source)
    except UserCodeError as error:
        raise PluginError(f"task.file: {error}") from error
    name = name or registered[0]
    if name not in registered or (len(registered) > 1 and task.get("name") in (None, source)):
        raise PluginError(
            f"task.file: {plugin.source} registers {', '.join(registered)}; say which one under task.name. "
            f"Received: {task.get('name')!r}"
        )
    rest = {key: value for key, value in task.items() if key not in ("file", "name")}
    return {"name": name, **rest}, [plugin]


def _without_modules(search: Any, folder: Path) -> tuple[Any, list[Plugin]]:
    """Move ``space.modules`` of a search, or of the search inside it, out of it."""
    if not isinstance(search, Mapping):
        return search, []
    if isinstance(search.get("evolution"), Mapping):
        inner, found = _without_modules(search["evolution"], folder)
        return {**search, "evolution": inner}, found
    space = search.get("space")
    if not isinstance(space, Mapping):
        return search, []
    modules = space.get("modules")
    if not isinstance(modules, list | tuple) or not all(isinstance(item, str) for item in modules):
        return search, []
    rest = {key: value for key, value in space.items() if key != "modules"}
    return {**search, "space": rest}, [resolved(source, folder) for source in modules]


def _load(plugin: Plugin) -> None:
    if not plugin.source.endswith(".py"):
        try:
            importlib.import_module(plugin.source)
        except ImportError as error:
            raise PluginError(
                f"cannot import the module {plugin.source!r}: {error}; a file is named with its '.py'"
            ) from error
        except Exception as error:  # whatever a user's program raises is told as its mistake
            raise PluginError(
                f"the module {plugin.source!r} fails: {type(error).__name__}: {error}"
            ) from error
        return
    file = Path(plugin.source)
    try:
        if plugin.sha256 not in (None, file_digest(file)):
            raise PluginError(
                f"{file} has changed since the run began; restore it to go on, or start a new run"
            )
        run_file(file)
    except UserCodeError as error:
        raise PluginError(str(error)) from error


def _importable(name: str) -> bool:
    try:
        return find_spec(name) is not None
    except (ImportError, ValueError):
        return False
