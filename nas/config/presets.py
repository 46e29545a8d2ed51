"""Presets: configs that are installed with the package, named without folder and ending (``digits``)."""

from __future__ import annotations

from difflib import get_close_matches
from importlib.resources import files
from itertools import takewhile
from pathlib import Path

from gondwana.nas.config.error import ConfigError

_GROUPS = ("", "paper/")


def preset_names() -> list[str]:
    """Return the names of all presets; those of the paper's experiments begin with ``paper/``."""
    return sorted(name for group in _GROUPS for name in _group(group))


def find_config(path: Path | str) -> Path:
    """Return the file of a config: ``path`` itself if it exists or looks like a file, else the preset of that name.

    Raises:
        ConfigError: if there is neither; the message names the presets that are spelled alike.
    """
    path = Path(path)
    if path.exists() or path.suffix:
        return path
    name = path.as_posix()
    group = "paper/" if name.startswith("paper/") else ""
    found = _group(group).get(name)
    if found is None:
        close = get_close_matches(name, preset_names(), n=3) or preset_names()[:3]
        raise ConfigError(
            f"{name}: neither a file nor a preset (`gondwana presets` lists them); like it are {', '.join(close)}"
        )
    return found


def summary(name: str) -> str:
    """Return the first sentence of the comment with which a preset begins."""
    lines = find_config(name).read_text(encoding="utf-8").splitlines()
    comment = " ".join(line.lstrip("# ") for line in takewhile(lambda line: line.startswith("#"), lines))
    return comment.partition(". ")[0].rstrip(".")


def _group(group: str) -> dict[str, Path]:
    folder = Path(str(files("gondwana.configs"))) / group
    return {group + file.stem: file for file in folder.glob("*.yaml")}
