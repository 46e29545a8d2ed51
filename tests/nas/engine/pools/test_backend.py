"""Settings of the framework where it is in use already."""

from __future__ import annotations

import os
import sys

import keras
import pytest

from gondwana.nas.engine.pools import backend
from gondwana.nas.engine.pools.backend import configure
from gondwana.nas.engine.pools.protocol import UnusablePoolError


def test_a_framework_in_use_is_said_to_keep_its_threads() -> None:
    if keras.backend.backend() != "tensorflow":
        pytest.skip("the number of threads is fixed at the first use of TensorFlow alone")
    import tensorflow as tf

    keras.ops.ones(1)
    threads = tf.config.threading.get_intra_op_parallelism_threads()
    with pytest.warns(UserWarning, match=f"cannot be limited to {threads + 7} thread"):
        configure(threads + 7)
    assert tf.config.threading.get_intra_op_parallelism_threads() == threads


def test_the_backend_of_a_config_is_chosen_or_refused(monkeypatch):
    monkeypatch.setenv("KERAS_BACKEND", "left alone")
    backend.choose(None)
    assert os.environ["KERAS_BACKEND"] == "left alone"
    active = keras.backend.backend()
    backend.choose(active)
    assert os.environ["KERAS_BACKEND"] == active
    monkeypatch.setattr(backend, "find_spec", lambda name: None if name == "torch" else object())
    with pytest.raises(UnusablePoolError, match="pip install torch"):
        backend.choose("torch")
    other = "jax" if active != "jax" else "tensorflow"
    with pytest.raises(UnusablePoolError, match=f"in use in this process with {active}"):
        backend.choose(other)
    monkeypatch.delitem(sys.modules, "keras")
    backend.choose(other)
    assert os.environ["KERAS_BACKEND"] == other
