"""Gondwana: search for neural networks and activation functions, each candidate initialized analytically.

The face of the package. Nothing heavy is imported before it is used: ``import gondwana`` loads neither Keras nor Ray.

>>> import gondwana
>>> model = gondwana.AutoInit(seed=0).initialize_model(model)  # doctest: +SKIP
>>> model = gondwana.load_network("runs/digits/best.keras")  # doctest: +SKIP
"""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from gondwana.autoinit import AutoInit as AutoInit
    from gondwana.nas import load_network as load_network

__all__ = ["AutoInit", "__version__", "load_network"]

_HERE = Path(__file__).resolve().parent
if not (_HERE / "nas").is_dir():
    # In a clone the four packages and the presets lie beside this folder. An installed wheel holds them inside it, and
    # an editable installation finds them itself; this is for a program that is started from the clone's root.
    __path__.append(str(_HERE.parent))

_LAZY = {"AutoInit": "gondwana.autoinit", "load_network": "gondwana.nas"}
_PACKAGES = frozenset({"activations", "autoinit", "nas", "tasks"})


def __getattr__(name: str) -> Any:
    """Import a public name when it is first asked for.

    Raises:
        AttributeError: if there is no such name.
    """
    if name in _PACKAGES:
        return import_module(f"gondwana.{name}")
    if name == "__version__":
        from importlib.metadata import version

        found: Any = version("gondwana")
    elif name in _LAZY:
        found = getattr(import_module(_LAZY[name]), name)
    else:
        raise AttributeError(f"module 'gondwana' has no attribute {name!r}; it has {', '.join(__dir__())}")
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    return sorted({*__all__, *_PACKAGES})
