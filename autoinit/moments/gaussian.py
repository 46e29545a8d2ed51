"""Expectations of a function under a Gaussian, by adaptive quadrature (equations 5 and 6 of the paper).

The line is cut into panels at fixed places, at zero, and at the kinks that the caller declares. Each panel is
integrated by the 21-point Kronrod rule, whose difference from the embedded 10-point Gauss rule is the error estimate;
panels that are not yet accurate are halved, the last few cut finer. A kink or jump that nobody declared is thereby
found by bisection, and an integral that does not exist is noticed because halving does not help.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gondwana.autoinit.errors import NotIntegrableError, SignalError

Array = NDArray[np.float64]
Function = Callable[[Array], Any]
"""Vectorised: an array of float64 in, an array of the same shape out."""

TOLERANCE = 1e-10
"""Default bound on the error of one panel, relative to the whole integral."""

_MAX_HALVINGS = 64
_PATIENCE = 2
"""Rounds of halving after which few remaining panels are cut into 4 or 8: what is left by then are isolated places,
which this reaches in fewer rounds, and a round costs about the same for one panel as for ten."""

_MAX_PANELS = 4096
_EDGES = (0.0, 1.0, 2.0, 3.0, 4.5, 6.5, 9.0, 13.0)
_FAR = 37.5
"""Where the Gaussian density leaves the range of float64, in standard deviations."""

# Abscissae of the Kronrod rule on [0, 1], outermost first, and its weights; every second abscissa belongs to the Gauss
# rule too. Piessens et al., QUADPACK (1983), routine QK21.
_ABSCISSAE = (
    0.995657163025808080735527280689003,
    0.973906528517171720077964012084452,
    0.930157491355708226001207180059508,
    0.865063366688984510732096688423493,
    0.780817726586416897063717578345042,
    0.679409568299024406234327365114874,
    0.562757134668604683339000099272694,
    0.433395394129247190799265943165784,
    0.294392862701460198131126603103866,
    0.148874338981631210884826001129720,
)
_KRONROD = (
    0.011694638867371874278064396062192,
    0.032558162307964727478818972459390,
    0.054755896574351996031381300244580,
    0.075039674810919952767043140916190,
    0.093125454583697605535065465083366,
    0.109387158802297641899210590325805,
    0.123491976262065851077958109585166,
    0.134709217311473325928054001771707,
    0.142775938577060080797094273138717,
    0.147739104901338491374841515972068,
)
_KRONROD_MIDDLE = 0.149445554002916905664936468389821
_GAUSS = (
    0.066671344308688137593568809893332,
    0.149451349150580593145863396657697,
    0.219086362515982043995534934228163,
    0.269266719309996355091226921569469,
    0.295524224714752870173815619188769,
)


def _symmetric(half: Sequence[float], middle: float, sign: float = 1.0) -> Array:
    return np.array([*half, middle, *(sign * value for value in reversed(half))])


_POINTS = _symmetric(_ABSCISSAE, 0.0, sign=-1.0)
_WEIGHTS = _symmetric(_KRONROD, _KRONROD_MIDDLE)
_DIFFERENCE = _WEIGHTS - _symmetric([w for g in _GAUSS for w in (0.0, g)], 0.0)
"""Kronrod minus Gauss: applied to an integrand it gives the error estimate."""


@dataclass(frozen=True, slots=True)
class GaussianMoments:
    """Moments of f(X), X Gaussian.

    Attributes:
        mean: E[f(X)].
        variance: Var[f(X)], computed about the mean, hence never negative.
        second_moment: E[f(X)^2].
    """

    mean: float
    variance: float
    second_moment: float


def gaussian_moments(
    f: Function,
    mean: float = 0.0,
    variance: float = 1.0,
    kinks: Sequence[float] = (),
    *,
    tolerance: float = TOLERANCE,
) -> GaussianMoments:
    """Return mean, variance and second moment of ``f(X)`` for ``X ~ N(mean, variance)``.

    Deterministic. The relative error of the second moment is below 1e-8 at the default tolerance.

    Args:
        f: vectorised NumPy function; see :func:`autoinit.numpy_activation` for Keras activations.
        mean: of X.
        variance: of X; with 0, X is the constant ``mean``.
        kinks: points where f or a derivative of it jumps. Optional: undeclared ones are found by bisection.
        tolerance: bound on the error of one panel, relative to the whole integral; for functions that are computed
            in float32, about 1e-6.

    Raises:
        NotIntegrableError: if E[f] or E[f^2] is infinite or undefined.
        SignalError: if ``mean`` or ``variance`` is not finite, or ``variance`` is negative.

    Examples:
        >>> round(gaussian_moments(lambda x: np.maximum(x, 0.0)).second_moment, 12)
        0.5
    """
    nodes, weights = gaussian_nodes(f, mean, variance, kinks, tolerance=tolerance)
    values = _evaluate(f, nodes)
    first = float(weights @ values)
    centered = values - first
    return GaussianMoments(first, float((weights * centered) @ centered), float((weights * values) @ values))


def gaussian_nodes(
    f: Function,
    mean: float = 0.0,
    variance: float = 1.0,
    kinks: Sequence[float] = (),
    *,
    tolerance: float = TOLERANCE,
) -> tuple[Array, Array]:
    """Return nodes and weights (which sum to 1) that integrate ``f`` and ``f**2`` against ``N(mean, variance)``.

    Arguments and errors are those of :func:`gaussian_moments`.
    """
    if not (math.isfinite(mean) and math.isfinite(variance) and variance >= 0):
        raise SignalError(
            "a Gaussian needs a finite mean and a finite variance >= 0. "
            f"Received: mean={mean!r}, variance={variance!r}"
        )
    deviation = math.sqrt(variance)
    if deviation == 0:
        _evaluate(f, np.array([mean]))
        return np.array([mean]), np.array([1.0])
    breaks = (np.append(np.asarray(kinks, dtype=float), 0.0) - mean) / deviation
    edges = np.union1d(
        breaks[np.abs(breaks) < _EDGES[-1]], [sign * e for e in _EDGES for sign in (-1.0, 1.0)]
    )
    try:
        with np.errstate(all="ignore"):  # what is not finite is refused by name
            z, weights = _integrate(lambda z: f(mean + deviation * z), edges, tolerance)
    except _DivergesError as error:
        name = getattr(f, "__name__", type(f).__name__)
        raise NotIntegrableError(
            f"the function {name!r} has no usable moments under N({mean:.6g}, {variance:.6g}): {error.problem} "
            f"x = {mean + deviation * error.z:.6g}. Use a function with a finite Gaussian second moment."
        ) from None
    return mean + deviation * z, weights / weights.sum()


class _DivergesError(Exception):
    """What went wrong, and where in units of the standard deviation."""

    def __init__(self, problem: str, z: float) -> None:
        super().__init__(problem)
        self.problem = problem
        self.z = z


@dataclass(frozen=True, slots=True)
class _Panels:
    """Panels ``[left, right]`` with the nodes in them; ``weights`` include the Gaussian density."""

    left: Array
    right: Array
    z: Array
    weights: Array
    contributions: Array
    """Integral of f**2 over each panel."""
    errors: Array
    """Two rows: error estimate of the integral of f and of f**2."""

    @classmethod
    def evaluate(cls, f: Function, left: Array, right: Array) -> _Panels:
        half = ((right - left) / 2)[:, None]
        z = ((right + left) / 2)[:, None] + half * _POINTS
        density = np.exp(-(z**2) / 2) / math.sqrt(2 * math.pi) * half
        values = _evaluate(f, z.ravel()).reshape(z.shape)
        once = density * values
        twice = once * values
        if not np.isfinite(twice).all():
            raise _DivergesError("it overflows at", float(z[~np.isfinite(twice)][0]))
        errors = np.abs(np.array([once @ _DIFFERENCE, twice @ _DIFFERENCE]))
        return cls(left, right, z, density * _WEIGHTS, twice @ _WEIGHTS, errors)

    def selected(self, mask: NDArray[np.bool_]) -> _Panels:
        """Return the panels that ``mask`` marks."""
        return _Panels(
            self.left[mask],
            self.right[mask],
            self.z[mask],
            self.weights[mask],
            self.contributions[mask],
            self.errors[:, mask],
        )


def _integrate(f: Function, edges: Array, tolerance: float) -> tuple[Array, Array]:
    """Return nodes, and weights that are not yet normalized, for integrals of f and f**2 against N(0, 1)."""
    done: list[_Panels] = []
    total = 0.0
    left, right = edges[:-1], edges[1:]
    rounds = halvings = 0
    while halvings < _MAX_HALVINGS:
        fresh = _Panels.evaluate(f, left, right)
        scale = total + float(fresh.contributions.sum())
        bad = (fresh.errors[0] > tolerance * math.sqrt(scale)) | (fresh.errors[1] > tolerance * scale)
        _refuse_spikes(fresh, tolerance * scale)
        accurate = fresh.selected(~bad)
        done.append(accurate)
        total += float(accurate.contributions.sum())
        left, right = fresh.left[bad], fresh.right[bad]
        if not left.size:
            left, right = _beyond(done, tolerance * total)
            if not left.size:
                return (
                    np.concatenate([panels.z.ravel() for panels in done]),
                    np.concatenate([panels.weights.ravel() for panels in done]),
                )
        else:
            cuts = 1 if rounds < _PATIENCE or left.size > 4 else 2 if left.size > 2 else 3
            places = np.linspace(left, right, 2**cuts + 1)
            left, right = places[:-1].ravel(), places[1:].ravel()
            halvings += cuts
        rounds += 1
        if left.size > _MAX_PANELS:
            break
    raise _DivergesError("the integral does not converge near", float(left[0]))


def _refuse_spikes(panels: _Panels, negligible: float) -> None:
    """Refuse panels that floating point cannot halve any more and that still matter: the shoulder of a pole."""
    width = panels.right - panels.left
    spikes = (width < 1e-13 * np.abs(panels.left)) & (panels.contributions > negligible)
    if spikes.any():
        raise _DivergesError("the integral does not converge near", float(panels.left[spikes][0]))


def _beyond(done: list[_Panels], negligible: float) -> tuple[Array, Array]:
    """Return the panels to add at either end because the outermost one still matters."""
    ends = np.concatenate(
        [np.stack([panels.left, panels.right, panels.contributions]) for panels in done], axis=1
    )
    lowest, highest = ends[:, ends[0].argmin()], ends[:, ends[1].argmax()]
    left, right = [], []
    for side, end, contribution in ((-1.0, -lowest[0], lowest[2]), (1.0, highest[1], highest[2])):
        if contribution <= negligible:
            continue
        if end >= _FAR:
            raise _DivergesError("the integral does not converge towards", side * _FAR)
        near, far = sorted((side * end, side * min(1.4 * end, _FAR)))
        left.append(near)
        right.append(far)
    return np.array(left), np.array(right)


def _evaluate(f: Function, x: Array) -> Array:
    """Return f(x) as float64, refusing values that are not numbers."""
    with np.errstate(all="ignore"):
        values = np.asarray(f(x), dtype=np.float64)
    if values.shape != x.shape:
        values = np.broadcast_to(values, x.shape)
    if not np.isfinite(values).all():
        raise _DivergesError("it is not finite at", float(x[~np.isfinite(values)][0]))
    return values
