"""AutoInit: analytic, signal-preserving weight initialization for Keras models.

Bingham and Miikkulainen, "AutoInit: Analytic Signal-Preserving Weight Initialization for Neural Networks" (2023).
"""

from gondwana.autoinit.api import AutoInit
from gondwana.autoinit.diagnostics.calibration import CalibratedLayer, Calibration, calibrate
from gondwana.autoinit.diagnostics.figure import signal_figure
from gondwana.autoinit.diagnostics.isometry import JacobianSpectrum, jacobian_spectrum
from gondwana.autoinit.diagnostics.measure import Measurement, measure
from gondwana.autoinit.errors import (
    AutoInitError,
    ModelError,
    NotIntegrableError,
    SignalError,
    UnsupportedLayerError,
)
from gondwana.autoinit.moments.functions import ScalarFunction, numpy_activation, numpy_form
from gondwana.autoinit.moments.gaussian import GaussianMoments, gaussian_moments
from gondwana.autoinit.plan import Plan, plan
from gondwana.autoinit.registry import Call, Scale, Weighted, rule
from gondwana.autoinit.rules.elementwise import activate, elementwise
from gondwana.autoinit.signals.signal import Signal
from gondwana.autoinit.strategies.lsuv import lsuv
from gondwana.autoinit.strategies.plusplus import Centered, CenteredActivation, centered, centering
from gondwana.autoinit.strategies.registry import STRATEGIES, initialize
from gondwana.autoinit.weights.apply import apply

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

if __name__ != "gondwana.autoinit":
    # `import autoinit` in the clone's root finds this folder: the same objects, and no submodule loaded twice.
    __path__ = []
