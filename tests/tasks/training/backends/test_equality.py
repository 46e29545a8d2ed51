"""The three backends make the same losses of the same recipe, in float32 on the CPU."""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys

import keras
import numpy as np
import pytest

from tests.helpers import ROOT
from tests.tasks.training.backends.losses import losses

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def here() -> dict[str, list[float]]:
    return losses()


def test_the_loop_computes_what_train_on_batch_does(here):
    # Keras compiles the penalty's learning rate into its step on JAX; both recipes have a constant one
    np.testing.assert_allclose(here["ours"], here["keras"], rtol=1e-4)


@pytest.mark.parametrize("backend", ["tensorflow", "jax", "torch"])
def test_another_backend_computes_the_same(here, backend):
    if backend == keras.backend.backend():
        pytest.skip("the backend of this process")
    if importlib.util.find_spec(backend) is None:
        pytest.skip(f"{backend} is not installed")
    done = subprocess.run(
        [sys.executable, "-m", "tests.tasks.training.backends.losses"],
        cwd=ROOT,
        env={**os.environ, "KERAS_BACKEND": backend, "GONDWANA_COMPILATION_CACHE": "off"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    np.testing.assert_allclose(json.loads(done.stdout.splitlines()[-1])["ours"], here["ours"], rtol=1e-4)
