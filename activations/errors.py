"""The exceptions of this package. All are mistakes in what the caller passed, hence ``ValueError``."""

from __future__ import annotations


class ActivationError(ValueError):
    """Base of every error that this package raises on purpose."""


class GraphError(ActivationError):
    """A text, JSON value or node sequence that is not an activation function."""


class OperatorError(ActivationError):
    """An operator that is not registered, or one whose parts contradict each other."""


class InvalidFunctionError(ActivationError):
    """A function that cannot be used as asked, such as one without Gaussian moments."""


def quoted(text: str, limit: int = 60) -> str:
    """Return ``repr(text)``, shortened in the middle, so that a message stays on one short line."""
    if len(text) > limit:
        text = f"{text[: limit // 2]}...{text[-limit // 4 :]}"
    return repr(text)
