"""Random functions for the tests of activations, by seed so that a failure names what to repeat."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import settings

settings.register_profile("activations", deadline=None, derandomize=True, max_examples=100)
settings.load_profile("activations")


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(7)
