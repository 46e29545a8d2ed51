"""Scoring a saved network again."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from gondwana.nas.evaluation.evaluate import load_search_data


def rescore(model_path: Path, task: Mapping[str, Any], data_dir: Path | None = None) -> dict[str, float]:
    """Load a ``.keras`` file and return its figures on the task's validation split.

    The file is loaded in Keras' safe mode: code in it is refused.

    Raises:
        ValueError: if the file is not a network that can be loaded, or the data are missing.
    """
    from gondwana import tasks
    from gondwana.nas.evaluation.saved import load
    from gondwana.tasks.training.fit import score

    info = tasks.get(task["name"], **task.get("options", {})).info
    model = load(model_path)
    return score(model, load_search_data(task, data_dir).validation, info)
