"""Settings of the framework where it is in use already."""

from __future__ import annotations

import keras
import pytest

from gondwana.nas.engine.pools.backend import configure


def test_a_framework_in_use_is_said_to_keep_its_threads() -> None:
    if keras.backend.backend() != "tensorflow":
        pytest.skip("the number of threads is fixed at the first use of TensorFlow alone")
    import tensorflow as tf

    keras.ops.ones(1)
    threads = tf.config.threading.get_intra_op_parallelism_threads()
    with pytest.warns(UserWarning, match=f"cannot be limited to {threads + 7} thread"):
        configure(threads + 7)
    assert tf.config.threading.get_intra_op_parallelism_threads() == threads
