"""AutoInit: analytic, signal-preserving weight initialization for Keras models.

Bingham and Miikkulainen, "AutoInit: Analytic Signal-Preserving Weight Initialization for Neural Networks" (2023).
"""

from autoinit.api import AutoInit
from autoinit.apply import apply
from autoinit.diagnostics import Measurement, measure
from autoinit.elementwise import activate, elementwise
from autoinit.errors import (
    AutoInitError,
    ModelError,
    NotIntegrableError,
    SignalError,
    UnsupportedLayerError,
)
from autoinit.figure import signal_figure
from autoinit.functions import ScalarFunction, numpy_activation, numpy_form
from autoinit.gaussian import GaussianMoments, gaussian_moments
from autoinit.isometry import JacobianSpectrum, jacobian_spectrum
from autoinit.lsuv import lsuv
from autoinit.plan import Plan, plan
from autoinit.plusplus import Centered, CenteredActivation, centered, centering
from autoinit.registry import Call, Scale, Weighted, rule
from autoinit.signal import Signal
from autoinit.strategies import STRATEGIES, initialize

__all__ = [
    "STRATEGIES",
    "AutoInit",
    "AutoInitError",
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
