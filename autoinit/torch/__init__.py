"""AutoInit for PyTorch: the same plans as for Keras, made of a ``torch.nn.Module`` that is read with ``torch.export``.

>>> from gondwana.autoinit import torch as autoinit
>>> autoinit.initialize(module, example_inputs, seed=1)  # doctest: +SKIP
"""

from gondwana.autoinit.errors import (
    AutoInitError,
    ModelError,
    NotIntegrableError,
    SignalError,
    UnsupportedLayerError,
)
from gondwana.autoinit.planned import Plan
from gondwana.autoinit.signals.signal import Signal
from gondwana.autoinit.torch.apply import apply, initialize
from gondwana.autoinit.torch.calibration import calibrate
from gondwana.autoinit.torch.calls import Call, Scale, Weighted, rule
from gondwana.autoinit.torch.centered import Centered, centered
from gondwana.autoinit.torch.measure import Measurement, measure
from gondwana.autoinit.torch.planning import plan

__all__ = [
    "AutoInitError",
    "Call",
    "Centered",
    "Measurement",
    "ModelError",
    "NotIntegrableError",
    "Plan",
    "Scale",
    "Signal",
    "SignalError",
    "UnsupportedLayerError",
    "Weighted",
    "apply",
    "calibrate",
    "centered",
    "initialize",
    "measure",
    "plan",
    "rule",
]
