"""Signals through elementwise functions: what every activation rule calls."""

from __future__ import annotations

from autoinit.functions import ScalarFunction
from autoinit.gaussian import Function, gaussian_moments
from autoinit.registry import Call
from autoinit.signal import Signal


def elementwise(call: Call, f: Function | ScalarFunction, x: Signal, kinks: tuple[float, ...] = ()) -> Signal:
    """Return the signal of ``f(x)``.

    ``paper``: x is taken as Gaussian (equations 5 and 6).

    Args:
        call: the call under way.
        f: vectorised NumPy function.
        x: input signal.
        kinks: where f or a derivative jumps, if f is a plain function and they are known.

    Raises:
        NotIntegrableError: if f(x) has no finite variance.
    """
    function = f if isinstance(f, ScalarFunction) else ScalarFunction(f, kinks)
    moments = gaussian_moments(function, x.mean, x.variance, function.kinks, tolerance=function.tolerance)
    return Signal(moments.mean, moments.variance)
