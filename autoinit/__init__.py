"""AutoInit: analytic, signal-preserving weight initialization for Keras models.

Bingham and Miikkulainen, "AutoInit: Analytic Signal-Preserving Weight Initialization for Neural Networks" (2023).
"""

from autoinit.elementwise import elementwise
from autoinit.errors import (
    AutoInitError,
    ModelError,
    NotIntegrableError,
    SignalError,
    UnsupportedLayerError,
)
from autoinit.functions import ScalarFunction, numpy_activation, numpy_form
from autoinit.gaussian import GaussianMoments, gaussian_moments
from autoinit.registry import Call, Scale, Weighted, rule
from autoinit.signal import Signal

__all__ = [
    "AutoInitError",
    "Call",
    "GaussianMoments",
    "ModelError",
    "NotIntegrableError",
    "ScalarFunction",
    "Scale",
    "Signal",
    "SignalError",
    "UnsupportedLayerError",
    "Weighted",
    "elementwise",
    "gaussian_moments",
    "numpy_activation",
    "numpy_form",
    "rule",
]
