"""Make Keras know the classes that saved models may hold, as soon as it is loaded, without loading it.

Models with centred activations or constrained weights load after ``import gondwana.autoinit``, whether Keras was
imported before it or is imported afterwards.
"""

from __future__ import annotations

import importlib.abc
import sys
from collections.abc import Sequence
from importlib import import_module
from importlib.machinery import ModuleSpec
from importlib.util import find_spec
from types import ModuleType
from typing import Any

_KERAS = "keras"
_CLASSES = "gondwana.autoinit.frontends.keras.saved_classes"


def register_with_keras() -> None:
    """Import the modules that register classes with Keras: now if it is loaded, else right after it will be."""
    if _KERAS in sys.modules:
        _import_classes()
    elif not any(isinstance(finder, _AfterKeras) for finder in sys.meta_path):
        sys.meta_path.insert(0, _AfterKeras())


def _import_classes() -> None:
    import_module(_CLASSES)


class _AfterKeras(importlib.abc.MetaPathFinder):
    """Waits for Keras: finds it as it would be found anyway, and adds what is to happen after it."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Return the spec of Keras; of other modules, nothing."""
        if fullname != _KERAS:
            return None
        sys.meta_path.remove(self)
        spec = find_spec(fullname)
        if spec is not None and spec.loader is not None:
            spec.loader = _Loader(spec.loader)
        return spec


class _Loader(importlib.abc.Loader):
    """Loads Keras, then the modules that register classes with it."""

    def __init__(self, inner: Any) -> None:
        self.inner = inner

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        """Leave that to the loader of Keras."""
        found: ModuleType | None = self.inner.create_module(spec)
        return found

    def exec_module(self, module: ModuleType) -> None:
        """Run Keras, put its own loader back, and register."""
        if module.__spec__ is not None:
            module.__spec__.loader = self.inner
        module.__loader__ = self.inner
        self.inner.exec_module(module)
        _import_classes()
