"""A user's own Python file: run once, for what it registers."""

from __future__ import annotations

import hashlib
import importlib.util
import sys
from pathlib import Path
from types import ModuleType

from gondwana.tasks import former_names
from gondwana.tasks.registry import names, task_class

DIGEST = "__gondwana_sha256__"
"""Attribute of a module that was made from a file: the digest of the text that was run."""


class UserCodeError(ValueError):
    """A user's file is missing, is no Python file, fails, or registers nothing."""


def load_file(path: Path | str) -> tuple[str, ...]:
    """Run a Python file and return the names of the tasks that it registers, new or again.

    The file is a program and is run as one: name only files that you would run yourself.

    Raises:
        UserCodeError: if there is no such file, it fails, or it registers no task.
    """
    module = run_file(path)
    registered = tuple(task for task in names() if task_class(task).__module__ == module.__name__)
    if not registered:
        raise UserCodeError(
            f"{module.__file__} registers no task; put @tasks.register('name') above its class"
        )
    return registered


def run_file(path: Path | str) -> ModuleType:
    """Run a Python file as a module of its own and return it; one that was run before and is the same is not run again.

    Raises:
        UserCodeError: if there is no such file, or it fails; the message names the line.
    """
    file = Path(path).expanduser().resolve()
    if not file.is_file() or file.suffix != ".py":
        raise UserCodeError(f"a file of your own code is a Python file that exists. Received: {file}")
    digest = file_digest(file)
    name = f"gondwana_file_{hashlib.sha256(str(file).encode()).hexdigest()[:12]}"
    before = sys.modules.get(name)
    if before is not None and getattr(before, DIGEST, None) == digest:
        return before
    former_names.understand()
    spec = importlib.util.spec_from_file_location(name, file)
    if spec is None or spec.loader is None:
        raise UserCodeError(f"{file} cannot be loaded as a Python module")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # dataclasses look their module up
    try:
        spec.loader.exec_module(module)
    except (Exception, SystemExit) as error:  # whatever a user's program raises is told as its mistake
        del sys.modules[name]
        raise UserCodeError(f"{file}{_line(error, file)}: {type(error).__name__}: {error}") from error
    setattr(module, DIGEST, digest)
    return module


def file_digest(file: Path) -> str:
    """Return the SHA-256 of a file in hexadecimal. Raises UserCodeError if it cannot be read."""
    try:
        return hashlib.sha256(file.read_bytes()).hexdigest()
    except OSError as error:
        raise UserCodeError(f"{file} cannot be read: {error.strerror}") from error


def _line(error: BaseException, file: Path) -> str:
    """Return `` line N`` for the last line of ``file`` that took part in ``error``."""
    if isinstance(error, SyntaxError) and error.filename == str(file):
        return f" line {error.lineno}"
    numbers, trace = [], error.__traceback__
    while trace is not None:
        if trace.tb_frame.f_code.co_filename == str(file):
            numbers.append(trace.tb_lineno)
        trace = trace.tb_next
    return f" line {numbers[-1]}" if numbers else ""
