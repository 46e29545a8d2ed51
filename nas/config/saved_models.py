"""Saved models that a config names: their description is read once and kept in the config, so a run needs no file."""

from __future__ import annotations

import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from gondwana.nas.config.error import ConfigError

LARGEST = 20_000_000
"""Bytes of a description beyond which a file is refused; the largest of keras.applications have half a million."""


def with_saved_models(data: Mapping[str, Any], folder: Path) -> dict[str, Any]:
    """Return a config's plain data with ``architecture.options.file`` replaced by the description in that file.

    Args:
        data: the config; data of another form are left for validation to refuse.
        folder: what the path is relative to.

    Raises:
        ConfigError: if the file is missing or no ``.keras`` file.
    """
    search = data.get("search")
    architecture = search.get("architecture") if isinstance(search, Mapping) else None
    options = architecture.get("options") if isinstance(architecture, Mapping) else None
    if (
        not isinstance(search, Mapping)
        or not isinstance(architecture, Mapping)
        or not isinstance(options, Mapping)
    ):
        return dict(data)
    if architecture.get("name") != "saved_model" or not isinstance(options.get("file"), str):
        return dict(data)
    others = {key: value for key, value in options.items() if key != "file"}
    described = {
        **architecture,
        "options": {**others, "config": description(folder / Path(options["file"]).expanduser())},
    }
    return {**data, "search": {**search, "architecture": described}}


def description(path: Path) -> str:
    """Return ``config.json`` of a ``.keras`` file, which describes every layer and holds no weights.

    Raises:
        ConfigError: if the file is missing or no ``.keras`` file.
    """
    if not path.is_file():
        raise ConfigError(f"{path}: {'a folder, not a .keras file' if path.is_dir() else 'no such file'}")
    try:
        with zipfile.ZipFile(path) as archive:
            if archive.getinfo("config.json").file_size > LARGEST:
                raise ConfigError(f"{path}: describes a network in more than {LARGEST:,} bytes")
            return archive.read("config.json").decode("utf-8")
    except (zipfile.BadZipFile, KeyError, UnicodeDecodeError, OSError) as error:
        raise ConfigError(
            f"{path}: not a .keras file; save the model with model.save('{path.stem}.keras')"
        ) from error
