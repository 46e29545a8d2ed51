"""Networks saved by runs. Importing this module makes their layers known to ``keras.models.load_model``."""

from __future__ import annotations

from pathlib import Path

import keras

import activations  # noqa: F401  registers GraphActivation
import nas.codeepneat.weighted_sum  # noqa: F401  registers WeightedSum


def load(path: Path | str) -> keras.Model:
    """Load a network in Keras' safe mode. Raises ValueError if the file is not one, or holds a layer not known."""
    try:
        return keras.models.load_model(path, compile=False, safe_mode=True)
    except (
        TypeError
    ) as error:  # what Keras raises for a class that it does not know, with the whole model in it
        summary = str(error).partition("\n")[0].partition("{")[0].strip()
        raise ValueError(
            f"{path}: {summary or 'not a network that can be loaded'}; import the module that defines its layers first"
        ) from error
