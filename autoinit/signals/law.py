"""Laws: the probability distributions of tensors whose entries are functions of Gaussians (exact propagation).

In a wide network with random weights, the output of a layer with weights is a Gaussian field: entries of different
channels are independent, entries of one channel at two positions, or in two examples, are correlated. What follows
without weights (activations, pooling, sums) is a function of such fields. A :class:`Part` holds that function by its
values on a fixed grid of the standard Gaussian, which makes composition, products and moments plain array arithmetic.

Two values of a part at latent correlation rho have E[f f'] = sum_n a_n^2 rho^n, with a_n the Hermite coefficients of f
(Mehler's formula).

Words: *law* is short for probability distribution. *Loudness* says by how much the mean of x^2 over an example differs
from example to example: a narrow layer makes some examples louder than others. A *source* is one independent Gaussian
field from which others are made, named by a number.
"""

from __future__ import annotations

import functools
import itertools
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import NamedTuple

import numpy as np
from numpy.polynomial.legendre import leggauss
from scipy import special

from gondwana.autoinit.moments.gaussian import Array

_POSITIVE_EDGES = (0.0, 0.5, 1.0, 1.5, 2.25, 3.0, 4.5, 6.0, 8.5)
_ORDER = 9
_DEGREE = 28
_NEARLY_GAUSSIAN = 0.05
_sources = itertools.count()


def _grid(edges: Sequence[float], order: int) -> tuple[Array, Array]:
    points, weights = leggauss(order)
    half = np.diff(edges)[:, None] / 2
    z = ((np.array(edges[:-1]) + np.array(edges[1:])) / 2)[:, None] + half * points
    mass = half * weights * np.exp(-(z**2) / 2)
    return z.ravel(), (mass / mass.sum()).ravel()


_EDGES = tuple(sorted({sign * edge for edge in _POSITIVE_EDGES for sign in (-1.0, 1.0)}))
Z, WEIGHTS = _grid(_EDGES, _ORDER)
"""Nodes and weights of the standard Gaussian on which functions are held."""


def _hermite(z: Array, degree: int) -> Array:
    """Return the normalized Hermite polynomials of degree 0 to ``degree``, one row each."""
    rows = [np.ones_like(z), z]
    for n in range(1, degree):
        rows.append((z * rows[n] - math.sqrt(n) * rows[n - 1]) / math.sqrt(n + 1))
    return np.stack(rows)


HERMITE = _hermite(Z, _DEGREE)
_PROJECTION = HERMITE * WEIGHTS
_DEGREES = np.arange(_DEGREE + 2)
"""Of the terms of :attr:`Part.powers`."""


def new_source() -> int:
    """Return a number for a Gaussian field that is independent of all others."""
    return next(_sources)


class Correlations(NamedTuple):
    """Correlation coefficients of a Gaussian field with itself, each from -1 to 1.

    Attributes:
        across: between two positions of one example, on average over all pairs.
        near: between neighbouring positions.
        between: between two examples.
    """

    across: float = 0.0
    near: float = 0.0
    between: float = 0.0

    def mapped(self, function: Callable[[float], float]) -> Correlations:
        """Apply a function to each, once per different value."""
        known: dict[float, float] = {}
        for value in self:
            if value not in known:
                known[value] = min(max(function(value), -1.0), 1.0)
        return Correlations(*(known[value] for value in self))

    def single(self) -> Correlations:
        """Return the coefficients for a tensor with one position only, which is correlated with itself."""
        return Correlations(1.0, 1.0, self.between)


INDEPENDENT = Correlations()


class Loudness(NamedTuple):
    """How much E[x^2], taken over one example, differs from example to example.

    Attributes:
        spread: variance of E[x^2] over examples, divided by the square of its mean.
        across: share of the spread that two positions of an example have in common, on average over all pairs.
        near: the same for neighbouring positions.
        excess: part of the spread that stays after each channel has been normalized over the examples. It is 0 for sums
            of Gaussian inputs, which are Gaussian again.
    """

    spread: float = 0.0
    across: float = 0.0
    near: float = 0.0
    excess: float = 0.0

    def joined(self, other: Loudness, weight: float = 1.0, other_weight: float = 1.0) -> Loudness:
        """Return the loudness of a sum whose mean squares are those of two independent tensors, weighted."""
        one, two = weight**2 * self.spread, other_weight**2 * other.spread
        total = one + two
        if total <= 0:
            return STEADY
        across, near = (
            (one * mine + two * its) / total
            for mine, its in ((self.across, other.across), (self.near, other.near))
        )
        return Loudness(total, across, near, weight**2 * self.excess + other_weight**2 * other.excess)


STEADY = Loudness()


@dataclass(frozen=True, eq=False)
class Part:
    """Some of the channels of a tensor: x = f(z) with z a standard Gaussian field.

    Attributes:
        values: f on the grid :data:`Z`.
        rho: correlations of z.
        loadings: correlation of z with each independent source that it was made from.
        share: of the channels.
        loudness: of V where x = sqrt(V) z: the output of a layer that sums few inputs has a variance that depends on
            these inputs. Only where x is linear in z otherwise.
    """

    values: Array
    rho: Correlations = INDEPENDENT
    loadings: Mapping[int, float] = field(default_factory=dict)
    share: float = 1.0
    loudness: Loudness = STEADY

    @functools.cached_property
    def mean(self) -> float:
        """E[x]."""
        return float(WEIGHTS @ self.values)

    @functools.cached_property
    def second(self) -> float:
        """E[x^2]."""
        return float(WEIGHTS @ self.values**2)

    @functools.cached_property
    def coefficients(self) -> Array:
        """Hermite coefficients of f."""
        return np.asarray(_PROJECTION @ self.values)

    @functools.cached_property
    def powers(self) -> Array:
        """Squared Hermite coefficients, and last what the truncated series leaves over."""
        squares = self.coefficients**2
        return np.append(squares, max(self.second - float(squares.sum()), 0.0))

    @functools.cached_property
    def linear(self) -> bool:
        """Whether x is Gaussian."""
        return bool(self.powers[2:].sum() <= 1e-10 * max(self.second, 1e-300)) and bool(
            self.values[-1] >= self.values[0]
        )

    def shared(self, correlation: float) -> float:
        """E[x x'] for two entries whose latent Gaussians have this correlation."""
        if correlation == 0:
            return self.mean**2
        if correlation == 1:
            return self.second
        return float(correlation**_DEGREES @ self.powers)

    def latent(self, shared: float) -> float:
        """Return the latent correlation at which E[x x'] is ``shared`` (inverse of :meth:`shared`)."""
        low, high = self.mean**2, self.second
        if high - low <= 1e-12 * high or shared >= high:
            return 1.0
        if shared < low:  # below independence: the linear term decides
            return max((shared - low) / max(float(self.powers[1]), high - low), -1.0)
        rho = (shared - low) / (high - low)
        slopes = self.powers[1:] * _DEGREES[1:]
        for _ in range(60):
            step = (self.shared(rho) - shared) / max(float(rho ** _DEGREES[:-1] @ slopes), 1e-300)
            previous, rho = rho, min(max(rho - step, 0.0), 1.0)
            if abs(rho - previous) < 1e-12:
                break
        return float(rho)

    def like(self, other: Part, function: Callable[[float], float] = float) -> Part:
        """Return this part with correlations at which its E[x x'] is ``function`` of the E[x x'] of ``other``."""
        return replace(self, rho=other.rho.mapped(lambda rho: self.latent(function(other.shared(rho)))))

    def mapped(self, values: Array) -> Part:
        """Return another function of the same field."""
        return replace(self, values=values)

    def affine(self, scale: float, offset: float = 0.0) -> Part:
        """Return ``scale * x + offset``."""
        return self.mapped(scale * self.values + offset)


def gaussian(mean: float, variance: float, rho: Correlations, loudness: Loudness = STEADY) -> Part:
    """Return a Gaussian field with a source of its own; with a loudness, a scale mixture of Gaussians."""
    shape = scale_mixture(loudness.spread)
    return Part(mean + math.sqrt(variance) * shape, rho, {new_source(): 1.0}, loudness=loudness)


@functools.lru_cache(maxsize=256)
def scales(spread: float) -> tuple[Array, Array]:
    """Return values of sqrt(V) and their weights, for V of mean 1 and variance ``spread``.

    A Gamma variable, or near enough a Gaussian where the spread is small.
    """
    if spread < _NEARLY_GAUSSIAN:
        nodes, weights = np.polynomial.hermite_e.hermegauss(5)
        return np.sqrt(1 + math.sqrt(spread) * nodes), weights / weights.sum()
    nodes, weights = special.roots_genlaguerre(10, 1 / spread - 1)
    return np.sqrt(nodes * spread), weights / weights.sum()


@functools.lru_cache(maxsize=256)
def scale_mixture(spread: float) -> Array:
    """Return sqrt(V) z, of variance 1, as a function on the grid."""
    if spread == 0:
        return Z
    amplitudes, weights = scales(spread)
    values, _ = redistributed(np.outer(amplitudes, Z).ravel(), np.outer(weights, WEIGHTS).ravel())
    return moments_fixed(values, 0.0, 1.0)


def redistributed(values: Array, weights: Array) -> tuple[Array, Array]:
    """Return the increasing function of a standard Gaussian that has the law of weighted values.

    Returns:
        The function on the grid :data:`Z`, and for each value the z at which it lies.
    """
    order = np.argsort(values, kind="stable")
    cumulated = np.cumsum(weights[order])
    middle = (cumulated - weights[order] / 2) / cumulated[-1]
    z = special.ndtri(np.clip(middle, 1e-17, 1 - 1e-16))
    places = np.empty_like(z)
    places[order] = z
    return np.interp(Z, z, values[order]), places


def moments_fixed(values: Array, mean: float, second: float) -> Array:
    """Return values moved and stretched so that mean and second moment are exactly the given ones."""
    now = float(WEIGHTS @ values)
    spread = float(WEIGHTS @ (values - now) ** 2)
    wanted = max(second - mean**2, 0.0)
    factor = math.sqrt(wanted / spread) if spread > 1e-300 else 0.0
    return mean + factor * (values - now)


def correlation(first: Part, second: Part) -> float:
    """Return the correlation of the latent Gaussians of two parts, from their common sources."""
    common = first.loadings.keys() & second.loadings.keys()
    total = math.fsum(first.loadings[key] * second.loadings[key] for key in common)
    return min(max(total, -1.0), 1.0)


@functools.lru_cache(maxsize=1)
def coarse() -> tuple[Array, Array, Array]:
    """Return nodes, weights and projection onto Hermite polynomials of a coarser grid, for two dimensions."""
    z, weights = _grid((-6.5, -3.5, -2.0, -1.0, 0.0, 1.0, 2.0, 3.5, 6.5), 7)
    return z, weights, _hermite(z, 16) * weights
