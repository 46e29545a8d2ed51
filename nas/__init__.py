"""Searches over networks and activation functions, and the engine that runs them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import keras

__all__ = ["load_network"]


def load_network(path: Path | str) -> keras.Model:
    """Load a network that a run saved (``best.keras``), with this package's layers known to Keras.

    The file is loaded in Keras' safe mode: code in it is refused. A layer type of your own has to be imported before.

    Raises:
        ValueError: if the file is not there or is not a network that can be loaded.
    """
    from gondwana.nas.evaluation.saved import load

    return load(path)


if __name__ != "gondwana.nas":
    # `import nas` in the clone's root finds this folder: the same objects, and no submodule loaded twice.
    import gondwana.nas

    load_network = gondwana.nas.load_network
    __path__ = []
