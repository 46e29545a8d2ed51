"""Settings of the machine-learning framework that must be made in a worker before its first use."""

from __future__ import annotations

import os
import sys
import warnings
from collections.abc import Sequence
from importlib.util import find_spec

from gondwana.nas.engine.pools.protocol import UnusablePoolError


def choose(name: str | None) -> None:
    """Let this process, and the workers that it starts, compute with a backend; None leaves what is there.

    Raises:
        UnusablePoolError: if it is not installed, or Keras is in use with another one.
    """
    if name is None:
        return
    if find_spec(name) is None:
        raise UnusablePoolError(
            f"engine.backend is {name}, which is not installed: pip install {name}, or choose another one"
        )
    if "keras" in sys.modules:
        import keras

        active = keras.backend.backend()
        if active != name:
            raise UnusablePoolError(
                f"engine.backend is {name}, but Keras is in use in this process with {active}; set the environment "
                f"variable KERAS_BACKEND={name} before the program starts, or engine.backend to {active}"
            )
    os.environ["KERAS_BACKEND"] = name


def configure(threads: int) -> None:
    """Limit the framework to ``threads`` threads and let it take GPU memory as it needs it.

    TensorFlow ignores ``OMP_NUM_THREADS`` and would start a thread per core in every worker; it would also claim the
    whole memory of a GPU, so that two workers could not share one. Where TensorFlow is in use already, neither can be
    changed any more: a UserWarning says so.
    """
    import keras

    name = keras.backend.backend()
    if name == "tensorflow":
        import tensorflow as tf

        try:
            tf.config.threading.set_intra_op_parallelism_threads(threads)
            tf.config.threading.set_inter_op_parallelism_threads(threads)
        except RuntimeError:  # in this process, by a notebook or a user's own module, before the run began
            warnings.warn(
                f"TensorFlow is already in use in this process and cannot be limited to {threads} thread(s) any more; "
                "figures may differ in the last digits from those of a run in a process of its own",
                stacklevel=2,
            )
            return
        for gpu in tf.config.list_physical_devices("GPU"):
            tf.config.experimental.set_memory_growth(gpu, True)
    elif name == "torch":
        import torch

        torch.set_num_threads(threads)
    elif name == "jax":
        os.environ.setdefault("XLA_PYTHON_CLIENT_PREALLOCATE", "false")


def devices() -> list[str]:
    """Return the framework's devices as ``NAME (description)``, GPUs first."""
    import keras

    name = keras.backend.backend()
    if name == "tensorflow":
        import tensorflow as tf

        gpus = tf.config.list_physical_devices("GPU")
        found = [
            f"{gpu.name} ({tf.config.experimental.get_device_details(gpu).get('device_name', 'unknown')})"
            for gpu in gpus
        ]
        return found + [cpu.name for cpu in tf.config.list_physical_devices("CPU")]
    if name == "torch":
        import torch

        count = torch.cuda.device_count()
        return [f"cuda:{i} ({torch.cuda.get_device_name(i)})" for i in range(count)] + ["cpu"]
    if name == "jax":
        import jax

        return [f"{device.platform}:{device.id} ({device.device_kind})" for device in jax.devices()]
    return ["cpu"]


def has_accelerator(found: Sequence[str]) -> bool:
    """Return whether there is a GPU or another accelerator among what :func:`devices` returned."""
    return any(not word.lower().startswith(("cpu", "/physical_device:cpu")) for word in found)
