"""What is computed once about a run's best network: baselines, intervals, and its answers to the validation rows.

Kept as ``analysis.json`` in the run folder. It needs the data of the task, and for the answers the network; whatever is
not to be had is said in words. Test rows are not touched.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from gondwana.nas.candidate import RESULTS, Json
from gondwana.nas.engine.records.run_folder import BEST_MODEL, RunFolder
from gondwana.nas.report.data.answers import answers_of
from gondwana.nas.report.data.run_data import ANALYSIS, RunData, read_json

if TYPE_CHECKING:
    from gondwana.tasks.base import SearchData, Split, TaskInfo

VERSION = 1
MOST_ROWS = 5000
"""Validation rows that are looked at; of more, so many evenly spaced ones."""
NOT_AT_HAND = (ValueError, OSError, RuntimeError, KeyError, TypeError)
"""What loading a task, its data or a network raises when they are not here or not what they were."""


def ensure_analysis(folder: RunFolder, run: RunData) -> Json | None:
    """Return the analysis of a run, computed and recorded if that has not been done for its best network yet.

    None if the run has no result, or its config names no task.
    """
    task = run.config.get("task", {})
    if "name" not in task or not any(outcome.state in RESULTS for outcome in run.outcomes):
        return None
    model = folder.path / BEST_MODEL
    key = hashlib.sha256(model.read_bytes()).hexdigest() if model.is_file() else None
    known = read_json(folder.path / ANALYSIS)
    if isinstance(known, dict) and (known.get("version"), known.get("model")) == (VERSION, key):
        return known
    made = {"version": VERSION, "model": key, **_analyse(task, model if key else None, folder)}
    if "why_not" not in made:  # otherwise it may be at hand another time
        folder.write_text(ANALYSIS, json.dumps(made) + "\n")
    return made


def _analyse(task: Mapping[str, Any], model: Path | None, folder: RunFolder) -> Json:
    from gondwana import tasks
    from gondwana.nas.evaluation.evaluate import load_search_data

    try:
        info = tasks.get(str(task["name"]), **task.get("options", {})).info
        data = load_search_data(task, folder.data_root)
    except NOT_AT_HAND as error:
        return {"why_not": f"the data are not at hand: {_words(error)}"}
    shown = _part(data.validation)
    outputs, why_not = None, None
    if model is not None:
        try:
            outputs = _predicted(model, shown.x, info)
        except NOT_AT_HAND as error:
            why_not = f"the saved network cannot be asked here: {_words(error)}"
    found = _figures(info, data, shown, outputs)
    found |= {"rows": len(shown), "all_rows": len(data.validation), "why_no_answers": why_not}
    if outputs is not None:
        classes = (read_json(folder.path / "preprocessing.json") or {}).get("classes")
        found["answers"] = answers_of(info, shown, outputs, classes)
    return found


def _figures(info: TaskInfo, data: SearchData, shown: Split, outputs: Sequence[np.ndarray] | None) -> Json:
    """Return the figures of the network and of the baselines on the same rows, with intervals."""
    from gondwana.tasks.baselines import fit_baselines
    from gondwana.tasks.training.intervals import difference, fitness_of, interval, targets_of

    targets = targets_of(info, shown.y)
    made: Json = {"baselines": []}
    if outputs is not None:
        made["validation"] = {
            "fitness": fitness_of(info.heads, targets, outputs),
            "interval": interval(info.heads, targets, outputs),
        }
    for baseline in fit_baselines(info, data.train, shown.x):
        entry: Json = {
            "name": baseline.name,
            "note": baseline.note,
            "fitness": _finite(fitness_of(info.heads, targets, baseline.outputs)),
            "interval": interval(info.heads, targets, baseline.outputs),
        }
        if outputs is not None:
            entry["difference"] = difference(info.heads, targets, outputs, baseline.outputs)
        made["baselines"].append(entry)
    return made


def _part(split: Split) -> Split:
    """Return at most :data:`MOST_ROWS` rows of a split, evenly spaced."""
    from gondwana.tasks.base import Split

    rows = np.unique(np.linspace(0, len(split) - 1, min(len(split), MOST_ROWS)).round().astype(int))
    y = {name: v[rows] for name, v in split.y.items()} if isinstance(split.y, dict) else split.y[rows]
    return Split(split.x[rows], y)


def _predicted(model: Path, x: np.ndarray, info: TaskInfo) -> list[np.ndarray]:
    """Return the network's outputs in the order of the task's heads."""
    from gondwana.nas.evaluation.saved import load
    from gondwana.tasks.training.loops import predict
    from gondwana.tasks.training.objective import Objective
    from gondwana.tasks.training.scoring import SCORING_BATCH

    network = load(model)
    names = [head.name for head in Objective(network, info).heads]
    outputs = dict(zip(names, predict(network, x, SCORING_BATCH), strict=True))
    return [np.asarray(outputs[head.name]) for head in info.heads]


def _finite(value: float) -> float | None:
    return value if np.isfinite(value) else None


def _words(error: Exception) -> str:
    return " ".join(str(error).split())[:300] or type(error).__name__
