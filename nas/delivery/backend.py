"""Formats of TensorFlow and PyTorch, written and read back: the only file of this folder that imports a backend.

``python -m gondwana.nas.delivery.backend NETWORK.keras OUT.pt2 ROWS.npy FOUND.npy`` writes a network for PyTorch, and
what that answers to rows. It is started with ``KERAS_BACKEND=torch``, since a process has one backend.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import keras


@contextmanager
def silent() -> Iterator[None]:
    """Drop what converters write to file descriptor 2 in the body, many lines for each network; they raise as well."""
    sys.stderr.flush()
    kept = os.dup(2)
    with open(os.devnull, "w", encoding="utf-8") as nothing:
        os.dup2(nothing.fileno(), 2)
        try:
            yield
        finally:
            sys.stderr.flush()
            os.dup2(kept, 2)
            os.close(kept)


class ConversionError(ValueError):
    """A network cannot be written in a format."""


def write_saved_model(model: keras.Model, path: Path) -> None:
    """Write a network as TensorFlow SavedModel, with an endpoint ``serve`` that takes its inputs by name."""
    import tensorflow as tf

    def spec(tensor: Any, name: str) -> Any:
        plain_name = re.sub(r"\W", "_", name)
        return tf.TensorSpec(tensor.shape, tensor.dtype, name=plain_name)

    inputs = model.input
    if isinstance(inputs, dict):
        signature: Any = {
            name: spec(tensor, f"column_{place}_{name}")
            for place, (name, tensor) in enumerate(inputs.items())
        }
    else:
        signature = spec(inputs, inputs.name)
    model.export(str(path), format="tf_saved_model", input_signature=[signature], verbose=False)


def run_saved_model(path: Path, inputs: Any) -> np.ndarray:
    """Return what a SavedModel answers."""
    import tensorflow as tf

    loaded = tf.saved_model.load(str(path))  # its variables live as long as it does
    return np.asarray(loaded.serve(inputs))


def write_tflite(model: keras.Model, path: Path) -> None:
    """Write a network with one input for LiteRT (TensorFlow Lite), of its built-in operations.

    Raises:
        ConversionError: if it holds an operation that LiteRT does not have.
    """
    import tensorflow as tf

    with tempfile.TemporaryDirectory() as scratch:
        write_saved_model(model, Path(scratch, "saved"))
        try:
            with silent():
                content = tf.lite.TFLiteConverter.from_saved_model(str(Path(scratch, "saved"))).convert()
        except Exception as error:  # the converter's own class is private
            missing = re.findall(r"'tf\.(\w+)' op is neither", str(error))
            why = f"LiteRT has no {', '.join(sorted(set(missing)))}" if missing else str(error)[:200]
            raise ConversionError(f"the network cannot be written for LiteRT: {why}") from error
    path.write_bytes(content)


def run_tflite(path: Path, inputs: np.ndarray) -> np.ndarray:
    """Return what a LiteRT network answers."""
    import tensorflow as tf

    with warnings.catch_warnings(), silent():
        warnings.simplefilter("ignore")  # the interpreter says that it moves to a package of its own
        interpreter = tf.lite.Interpreter(str(path))
        place = interpreter.get_input_details()[0]["index"]
        interpreter.resize_tensor_input(place, inputs.shape)
        interpreter.allocate_tensors()
    interpreter.set_tensor(place, inputs)
    interpreter.invoke()
    return np.asarray(interpreter.get_tensor(interpreter.get_output_details()[0]["index"]))


def write_torch(network: Path, out: Path, inputs: np.ndarray) -> np.ndarray:
    """Write a ``.keras`` file without classes of this project for PyTorch (``torch.export``), in a process of its own.

    Returns what the written network answers to ``inputs``.

    Raises:
        ConversionError: if PyTorch is not installed, or cannot trace the network.
    """
    if find_spec("torch") is None:
        raise ConversionError("PyTorch is not installed: pip install 'gondwana[torch]'")
    with tempfile.TemporaryDirectory() as scratch:
        rows, found = Path(scratch, "rows.npy"), Path(scratch, "found.npy")
        np.save(rows, inputs)
        files = [str(path.resolve()) for path in (network, out, rows, found)]
        command = [sys.executable, "-m", __name__, *files]
        environment = {**os.environ, "KERAS_BACKEND": "torch"}
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        if done.returncode:
            lines = done.stderr.strip().splitlines() or ["no reason given"]
            raise ConversionError(f"the network cannot be written for PyTorch: {lines[-1][:300]}")
        return np.asarray(np.load(found))


def _torch_main(network: str, out: str, rows: str, found: str) -> None:
    import keras
    import torch

    model = keras.models.load_model(network, compile=False)
    inputs = torch.from_numpy(np.load(rows))
    batch = torch.export.Dim("batch", min=1)
    program = torch.export.export(model, (inputs,), dynamic_shapes=(({0: batch},),), strict=False)
    torch.export.save(program, out)
    np.save(found, torch.export.load(out).module()(inputs).detach().cpu().numpy())


if __name__ == "__main__":
    _torch_main(*sys.argv[1:])
