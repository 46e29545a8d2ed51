"""A user's own task: a Python file with a class that is registered."""

from __future__ import annotations

import hashlib
import importlib.util
import sys
from pathlib import Path

from tasks.registry import names, task_class


def load_file(path: Path | str) -> tuple[str, ...]:
    """Run a Python file and return the names of the tasks that it registers, new or again.

    The file is a program and is run as one: name only files that you would run yourself. Nothing in a config or a run
    folder ever leads here by itself.

    Raises:
        ValueError: if there is no such file, or it registers no task.
    """
    file = Path(path).expanduser().resolve()
    if not file.is_file() or file.suffix != ".py":
        raise ValueError(f"a task file is a Python file. Received: {file}")
    name = f"gondwana_task_{hashlib.sha256(str(file).encode()).hexdigest()[:12]}"
    spec = importlib.util.spec_from_file_location(name, file)
    if spec is None or spec.loader is None:
        raise ValueError(f"{file} cannot be loaded as a Python module")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    registered = tuple(task for task in names() if task_class(task).__module__ == name)
    if not registered:
        raise ValueError(f"{file} registers no task; put @tasks.register('name') above its class")
    return registered
