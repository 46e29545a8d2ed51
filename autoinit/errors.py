"""The exceptions of this package. All are mistakes in what the caller passed, hence ``ValueError``."""

from __future__ import annotations

import inspect
import warnings


class AutoInitError(ValueError):
    """Base of every error that this package raises on purpose."""


class NotIntegrableError(AutoInitError):
    """A function has no finite mean or variance under the Gaussian in question (a pole, an overflow, a NaN)."""


class SignalError(AutoInitError):
    """A mean, variance or covariance that no random variable can have."""


class UnsupportedLayerError(AutoInitError):
    """No rule is registered for a layer or operation, and the caller asked not to guess."""


class ModelError(AutoInitError):
    """A model that cannot be walked: not built, not traceable, or not the one that a plan was made for."""


def warn_user(message: str) -> None:
    """Warn at the line outside this package that led here."""
    package = __name__.rpartition(".")[0]
    frame, level = inspect.currentframe(), 1
    while frame is not None and frame.f_globals.get("__name__", "").startswith(package):
        frame, level = frame.f_back, level + 1
    warnings.warn(message, stacklevel=level)
