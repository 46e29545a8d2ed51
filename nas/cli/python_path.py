"""Functions that a command names as ``module:function``."""

from __future__ import annotations

import importlib
import re
import sys
from typing import Any

_PYTHON_PATH = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*:[A-Za-z_]\w*(\.[A-Za-z_]\w*)*")


class PythonPathError(ValueError):
    """A function that cannot be found or called."""


def is_python_path(text: str) -> bool:
    """Return whether a text is like ``package.module:function``."""
    return _PYTHON_PATH.fullmatch(text) is not None


def built_by(text: str) -> Any:
    """Return what the function ``module:function`` returns, called without arguments; the user's code is run.

    Modules are looked for in the working directory first, as ``python -m`` does.

    Raises:
        PythonPathError: if there is no such module or function, or it fails.
    """
    module_name, _, function_name = text.partition(":")
    here = sys.path[:]
    sys.path.insert(0, "")
    try:
        found: Any = importlib.import_module(module_name)
        for part in function_name.split("."):
            found = getattr(found, part)
    except (ImportError, AttributeError) as error:
        raise PythonPathError(f"{text}: {error}") from error
    finally:
        sys.path[:] = here
    if not callable(found):
        raise PythonPathError(f"{text} is no function. Received: {type(found).__name__}")
    try:
        return found()
    except Exception as error:  # whatever the user's function raises becomes the reason of our error
        raise PythonPathError(f"{text} failed: {type(error).__name__}: {error}") from error
