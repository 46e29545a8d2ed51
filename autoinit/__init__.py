"""AutoInit: analytic, signal-preserving weight initialization for Keras models; for PyTorch see ``autoinit.torch``.

Bingham and Miikkulainen, "AutoInit: Analytic Signal-Preserving Weight Initialization for Neural Networks" (2023).

The names of this package are imported when they are first asked for, so that its PyTorch side loads no Keras.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from gondwana.autoinit.registration import register_with_keras

if TYPE_CHECKING:
    from gondwana.autoinit.api import AutoInit as AutoInit
    from gondwana.autoinit.calibrated import (
        CalibratedLayer as CalibratedLayer,
    )
    from gondwana.autoinit.calibrated import (
        Calibration as Calibration,
    )
    from gondwana.autoinit.diagnostics.calibration import (
        calibrate as calibrate,
    )
    from gondwana.autoinit.diagnostics.figure import signal_figure as signal_figure
    from gondwana.autoinit.diagnostics.isometry import (
        JacobianSpectrum as JacobianSpectrum,
    )
    from gondwana.autoinit.diagnostics.isometry import (
        jacobian_spectrum as jacobian_spectrum,
    )
    from gondwana.autoinit.diagnostics.measure import (
        Measurement as Measurement,
    )
    from gondwana.autoinit.diagnostics.measure import (
        measure as measure,
    )
    from gondwana.autoinit.errors import (
        AutoInitError as AutoInitError,
    )
    from gondwana.autoinit.errors import (
        ModelError as ModelError,
    )
    from gondwana.autoinit.errors import (
        NotIntegrableError as NotIntegrableError,
    )
    from gondwana.autoinit.errors import (
        SignalError as SignalError,
    )
    from gondwana.autoinit.errors import (
        UnsupportedLayerError as UnsupportedLayerError,
    )
    from gondwana.autoinit.frontends.keras.functions import (
        numpy_activation as numpy_activation,
    )
    from gondwana.autoinit.frontends.keras.functions import (
        numpy_form as numpy_form,
    )
    from gondwana.autoinit.frontends.keras.saved_classes import Centered as Centered
    from gondwana.autoinit.frontends.keras.saved_classes import CenteredActivation as CenteredActivation
    from gondwana.autoinit.moments.functions import ScalarFunction as ScalarFunction
    from gondwana.autoinit.moments.gaussian import (
        GaussianMoments as GaussianMoments,
    )
    from gondwana.autoinit.moments.gaussian import (
        gaussian_moments as gaussian_moments,
    )
    from gondwana.autoinit.planning import (
        Plan as Plan,
    )
    from gondwana.autoinit.planning import (
        plan as plan,
    )
    from gondwana.autoinit.registry import (
        Call as Call,
    )
    from gondwana.autoinit.registry import (
        Scale as Scale,
    )
    from gondwana.autoinit.registry import (
        Weighted as Weighted,
    )
    from gondwana.autoinit.registry import (
        rule as rule,
    )
    from gondwana.autoinit.rules.elementwise import (
        activate as activate,
    )
    from gondwana.autoinit.rules.elementwise import (
        elementwise as elementwise,
    )
    from gondwana.autoinit.signals.signal import Signal as Signal
    from gondwana.autoinit.strategies.lsuv import lsuv as lsuv
    from gondwana.autoinit.strategies.plusplus import (
        centered as centered,
    )
    from gondwana.autoinit.strategies.plusplus import (
        centering as centering,
    )
    from gondwana.autoinit.strategies.registry import (
        STRATEGIES as STRATEGIES,
    )
    from gondwana.autoinit.strategies.registry import (
        initialize as initialize,
    )
    from gondwana.autoinit.weights.apply import apply as apply

__all__ = [
    "STRATEGIES",
    "AutoInit",
    "AutoInitError",
    "CalibratedLayer",
    "Calibration",
    "Call",
    "Centered",
    "CenteredActivation",
    "GaussianMoments",
    "JacobianSpectrum",
    "Measurement",
    "ModelError",
    "NotIntegrableError",
    "Plan",
    "ScalarFunction",
    "Scale",
    "Signal",
    "SignalError",
    "UnsupportedLayerError",
    "Weighted",
    "activate",
    "apply",
    "calibrate",
    "centered",
    "centering",
    "elementwise",
    "gaussian_moments",
    "initialize",
    "jacobian_spectrum",
    "lsuv",
    "measure",
    "numpy_activation",
    "numpy_form",
    "plan",
    "rule",
    "signal_figure",
]

_HOMES: dict[str, tuple[str, ...]] = {
    "api": ("AutoInit",),
    "calibrated": ("CalibratedLayer", "Calibration"),
    "diagnostics.calibration": ("calibrate",),
    "diagnostics.figure": ("signal_figure",),
    "diagnostics.isometry": (
        "JacobianSpectrum",
        "jacobian_spectrum",
    ),
    "diagnostics.measure": (
        "Measurement",
        "measure",
    ),
    "errors": (
        "AutoInitError",
        "ModelError",
        "NotIntegrableError",
        "SignalError",
        "UnsupportedLayerError",
    ),
    "frontends.keras.functions": (
        "numpy_activation",
        "numpy_form",
    ),
    "moments.functions": ("ScalarFunction",),
    "moments.gaussian": (
        "GaussianMoments",
        "gaussian_moments",
    ),
    "planning": (
        "Plan",
        "plan",
    ),
    "registry": (
        "Call",
        "Scale",
        "Weighted",
        "rule",
    ),
    "rules.elementwise": (
        "activate",
        "elementwise",
    ),
    "signals.signal": ("Signal",),
    "strategies.lsuv": ("lsuv",),
    "frontends.keras.saved_classes": (
        "Centered",
        "CenteredActivation",
    ),
    "strategies.plusplus": (
        "centered",
        "centering",
    ),
    "strategies.registry": (
        "STRATEGIES",
        "initialize",
    ),
    "weights.apply": ("apply",),
}
"""Where each public name is defined."""

_HOME = {name: module for module, names in _HOMES.items() for name in names}


def __getattr__(name: str) -> Any:
    """Import a public name when it is first asked for.

    Raises:
        AttributeError: if there is no such name.
    """
    if name not in _HOME:
        raise AttributeError(
            f"module 'gondwana.autoinit' has no attribute {name!r}; it has {', '.join(__all__)}"
        )
    found = getattr(import_module(f"gondwana.autoinit.{_HOME[name]}"), name)
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    return sorted(__all__)


if __name__ != "gondwana.autoinit":
    # `import autoinit` in the clone's root finds this folder: the same objects, and no submodule loaded twice.
    __path__ = []
else:
    register_with_keras()
