"""Networks saved by runs. Importing this module makes their layers known to ``keras.models.load_model``."""

from __future__ import annotations

import json
import re
import zipfile
import zlib
from pathlib import Path

import keras

from gondwana import activations  # noqa: F401  registers GraphActivation
from gondwana.nas.searches.codeepneat.layers import weighted_sum  # noqa: F401  registers WeightedSum


def load(path: Path | str) -> keras.Model:
    """Load a network in Keras' safe mode. Raises ValueError if the file is not one, or holds a layer not known."""
    damaged = (
        KeyError,
        OSError,
        json.JSONDecodeError,
        zipfile.BadZipFile,
        zlib.error,
    )  # parts missing or garbled
    try:
        return keras.models.load_model(path, compile=False, safe_mode=True)
    except damaged as error:
        raise ValueError(f"{path} is not a network that can be loaded: {error}") from error
    except (
        TypeError
    ) as error:  # what Keras raises for a class that it does not know, with the whole model in it
        unknown = re.search(r"Could not locate class '([^']+)'", _chain(error))
        what = (
            f"holds a layer of the class {unknown[1]!r}" if unknown else "is not a network that can be loaded"
        )
        raise ValueError(f"{path} {what}; import the module that defines its layers first") from error


def _chain(error: BaseException | None) -> str:
    """Return the messages of an error and of all that led to it."""
    texts: list[str] = []
    while error is not None:
        texts.append(str(error))
        error = error.__cause__ or error.__context__
    return "\n".join(texts)
