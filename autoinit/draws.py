"""Random arrays with mean 0 and a given standard deviation, drawn with NumPy so that every backend gets the same."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Literal, TypeAlias, get_args

import numpy as np
from numpy.typing import NDArray

from autoinit.errors import AutoInitError

Distribution: TypeAlias = Literal["truncated_normal", "untruncated_normal", "uniform", "orthogonal"]
Float32 = NDArray[np.float32]

CUT = 2.0
"""Where the truncated normal is cut off, in units of the standard deviation before the cut."""

TRUNCATED_DEVIATION = 0.87962566103423978
"""Standard deviation of a standard normal cut off at +-2, by which draws are divided."""


def generator(seed: int, *identity: int) -> np.random.Generator:
    """Return the stream that belongs to ``identity`` under ``seed``."""
    return np.random.Generator(np.random.SFC64(np.random.SeedSequence(seed, spawn_key=identity)))


def check_distribution(name: str) -> Distribution:
    """Return ``name`` if it is a known distribution (``"normal"`` is short for ``"untruncated_normal"``).

    Raises:
        AutoInitError: otherwise.
    """
    name = "untruncated_normal" if name == "normal" else name
    for known in get_args(Distribution):
        if name == known:
            return known  # type: ignore[no-any-return]
    raise AutoInitError(
        f"distribution must be one of {', '.join(get_args(Distribution))}. Received: {name!r}"
    )


def draw(
    rng: np.random.Generator,
    shape: Sequence[int],
    deviation: float,
    distribution: Distribution = "truncated_normal",
) -> Float32:
    """Return an array of independent entries of mean 0 and standard deviation ``deviation``.

    Args:
        rng: stream.
        shape: of the array; for ``orthogonal``, whose entries depend on one another, the last axis counts as columns.
        deviation: standard deviation.
        distribution: of the entries.
    """
    return _DRAWS[distribution](rng, tuple(shape), deviation)


def _normal(rng: np.random.Generator, shape: tuple[int, ...], deviation: float) -> Float32:
    values = rng.standard_normal(shape, dtype=np.float32)
    values *= np.float32(deviation)
    return values


def _uniform(rng: np.random.Generator, shape: tuple[int, ...], deviation: float) -> Float32:
    values = rng.random(shape, dtype=np.float32)
    values -= np.float32(0.5)
    values *= np.float32(deviation * math.sqrt(12.0))
    return values


def _truncated_normal(rng: np.random.Generator, shape: tuple[int, ...], deviation: float) -> Float32:
    values = rng.standard_normal(math.prod(shape), dtype=np.float32)
    outside = np.flatnonzero(np.abs(values) > CUT)
    while outside.size:
        fresh = rng.standard_normal(outside.size, dtype=np.float32)
        values[outside] = fresh
        outside = outside[np.abs(fresh) > CUT]
    values *= np.float32(deviation / TRUNCATED_DEVIATION)
    return values.reshape(shape)


def _orthogonal(rng: np.random.Generator, shape: tuple[int, ...], deviation: float) -> Float32:
    """Rows or columns (the fewer) are orthogonal; their length makes the mean square of the entries right."""
    if len(shape) < 2:
        return _normal(rng, shape, deviation)
    rows, columns = math.prod(shape[:-1]), shape[-1]
    tall, wide = max(rows, columns), min(rows, columns)
    q, r = np.linalg.qr(rng.standard_normal((tall, wide)))
    q *= np.sign(np.diag(r))  # makes the distribution uniform over orthogonal matrices (Mezzadri 2007)
    matrix = q if rows >= columns else q.T
    return (matrix * (deviation * math.sqrt(tall))).reshape(shape).astype(np.float32)


_DRAWS: dict[Distribution, Callable[[np.random.Generator, tuple[int, ...], float], Float32]] = {
    "truncated_normal": _truncated_normal,
    "untruncated_normal": _normal,
    "uniform": _uniform,
    "orthogonal": _orthogonal,
}
