"""The global streams that a user's layer may draw from: seeded for a while, then put back where they were.

No other file reads them; a layer that calls ``np.random`` or ``random`` cannot be run repeatably in another way.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np


@contextmanager
def streams_kept() -> Iterator[None]:
    """Put the streams of ``random`` and NumPy back afterwards."""
    before, legacy = random.getstate(), np.random.get_state()  # noqa: NPY002
    try:
        yield
    finally:
        random.setstate(before)
        np.random.set_state(legacy)  # noqa: NPY002


def seed_streams(seed: int) -> None:
    """Seed the streams of ``random`` and NumPy."""
    random.seed(seed)
    np.random.seed(seed % 2**32)  # noqa: NPY002
