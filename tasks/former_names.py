"""Import names of version 0.1, for the files that its users wrote: ``import tasks``, ``import autoinit``.

A run of 0.1 notes the digest of such a file and refuses a changed one, so the file has to work as it stands. The
names are understood once a user's file has been loaded, and only where nothing else has them: a ``tasks.py`` of the
user's own comes first.
"""

from __future__ import annotations

import importlib
import sys
import warnings
from collections.abc import Sequence
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder
from types import ModuleType

_SAME = (
    "activations",
    "autoinit",
    "nas",
    "tasks",
    "tasks.architectures",
    "tasks.base",
    "tasks.data",
    "tasks.options",
    "tasks.registry",
    "tasks.splits",
)
_MOVED = {
    "autoinit.registry": "autoinit.registry",
    "autoinit.signal": "autoinit.signals.signal",
    "nas.codeepneat": "nas.searches.codeepneat",
    "nas.codeepneat.domains": "nas.searches.codeepneat.genes.domains",
    "nas.codeepneat.registry": "nas.searches.codeepneat.layers.registry",
    "tasks.augmentation": "tasks.training.augmentation",
    "tasks.recipe": "tasks.training.recipe",
    "tasks.text": "tasks.datasets.readers.text",
}
FORMER = {name: f"gondwana.{name}" for name in _SAME} | {a: f"gondwana.{b}" for a, b in _MOVED.items()}
"""Name in version 0.1 -> name now."""


class _FormerNames(MetaPathFinder, Loader):
    """Finds a former name as the module that has its content now."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        root = fullname.partition(".")[0]
        if root not in FORMER:
            return None
        if fullname == root:
            taken = PathFinder.find_spec(fullname, path, target) is not None
            return None if taken else ModuleSpec(fullname, self, is_package=True)
        if not _is_ours(root):
            return None
        if (
            fullname not in FORMER
        ):  # to go on would load a second copy of a file, whose classes are not the first one's
            raise ModuleNotFoundError(
                f"{fullname!r} is no import name of gondwana; write 'from gondwana.{root} import ...'",
                name=fullname,
            )
        return ModuleSpec(fullname, self, is_package=True)

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        now = FORMER[spec.name]
        warnings.warn(
            f"a file of your own imports {spec.name!r}, its name in version 0.1; write {now!r}",
            FutureWarning,
            stacklevel=2,
        )
        module = importlib.import_module(now)
        self._own_spec = module.__spec__
        return module

    def exec_module(self, module: ModuleType) -> None:
        module.__spec__ = self._own_spec  # the import system has put the former name's there


def _is_ours(root: str) -> bool:
    """Return True if the top-level module ``root`` is one of this package's, or its face in the clone's root."""
    module = sys.modules.get(root)
    return module is not None and (
        module is sys.modules.get(f"gondwana.{root}") or getattr(module, "__path__", None) == []
    )


_FINDER = _FormerNames()


def understand() -> None:
    """Let imports of former names find today's modules, where nothing else has these names."""
    if _FINDER not in sys.meta_path:
        sys.meta_path.insert(0, _FINDER)
