"""Gondwana: search for neural networks and activation functions, each candidate initialized analytically.

The face of the package. Nothing heavy is imported before it is used: ``import gondwana`` loads neither Keras nor Ray.

>>> import gondwana
>>> classifier = gondwana.NetworkClassifier(time_budget=60).fit(table, labels)  # doctest: +SKIP
>>> run = gondwana.evolve("digits", time_budget="5m")  # doctest: +SKIP
>>> model = gondwana.AutoInit(seed=0).initialize_model(model)  # doctest: +SKIP
>>> model = gondwana.load_network("runs/digits/best.keras")  # doctest: +SKIP
"""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from gondwana.autoinit import AutoInit as AutoInit
    from gondwana.interface.estimators import NetworkClassifier as NetworkClassifier
    from gondwana.interface.estimators import NetworkRegressor as NetworkRegressor
    from gondwana.interface.evolving import evolve as evolve
    from gondwana.interface.evolving import load_run as load_run
    from gondwana.interface.evolving import resume as resume
    from gondwana.interface.run import Run as Run
    from gondwana.interface.single import compare as compare
    from gondwana.interface.single import initialize as initialize
    from gondwana.interface.single import sample_functions as sample_functions
    from gondwana.nas import load_network as load_network
    from gondwana.nas.delivery.predictor import load_predictor as load_predictor

__all__ = [
    "AutoInit",
    "NetworkClassifier",
    "NetworkRegressor",
    "Run",
    "__version__",
    "compare",
    "evolve",
    "initialize",
    "load_network",
    "load_predictor",
    "load_run",
    "resume",
    "sample_functions",
]

_HERE = Path(__file__).resolve().parent
if not (_HERE / "nas").is_dir():
    # In a clone the four packages and the presets lie beside this folder. An installed wheel holds them inside it, and
    # an editable installation finds them itself; this is for a program that is started from the clone's root.
    __path__.append(str(_HERE.parent))

_LAZY = {
    "AutoInit": "gondwana.autoinit",
    "NetworkClassifier": "gondwana.interface.estimators",
    "NetworkRegressor": "gondwana.interface.estimators",
    "Run": "gondwana.interface.run",
    "compare": "gondwana.interface.single",
    "evolve": "gondwana.interface.evolving",
    "initialize": "gondwana.interface.single",
    "load_network": "gondwana.nas",
    "load_predictor": "gondwana.nas.delivery.predictor",
    "load_run": "gondwana.interface.evolving",
    "resume": "gondwana.interface.evolving",
    "sample_functions": "gondwana.interface.single",
}
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
