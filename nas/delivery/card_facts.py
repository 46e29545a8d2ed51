"""What a model card says of a run's best network, as a JSON object: data, split, figures, search, functions."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from gondwana.nas.delivery.predicting import best_path, outputs, preprocessing_of
from gondwana.nas.engine.records.summary import Best, best_of
from gondwana.nas.report.data.run_data import RunData, commit_of
from gondwana.nas.report.report import load_run

if TYPE_CHECKING:
    import keras

    from gondwana.tasks.base import Head, Split, Task

CONFIDENCE = 0.95
RESAMPLES = 1000
SAME = 1e-3
"""A test figure that is computed again may differ so much from the recorded one: another machine rounds otherwise."""
KERAS_NAMES = {
    "sparse_categorical_accuracy": "accuracy",
    "categorical_accuracy": "accuracy",
    "binary_accuracy": "accuracy",
    "r2_score": "r2",
}
"""Metrics of this project that have another name in Keras."""


def facts(path: Path) -> dict[str, Any]:
    """Return the facts of a run's best network.

    Raises:
        NoNetworkError: if no network is saved.
    """
    from gondwana.nas.evaluation.saved import load

    network, best, run = load(best_path(path)), best_of(path), load_run(path)
    task, splits, why = _data(run, best)
    return {
        "name": run.name,
        "created": time.strftime("%Y-%m-%d", time.gmtime(run.finished or run.created)),
        "predicts": _predicts(path),
        "data": _described(run, task, splits, why, best),
        "figures": _figures(run, best, network, task, splits, why),
        "network": {
            "parameters": int(network.count_params()),
            "activation_functions": _functions(network),
            "initialization": best.spec.get("initialization", {}).get("strategy"),
            "training": dict(best.spec.get("training", {})),
        },
        "search": _search(run),
        "seeds": {"run": run.config.get("seed"), "training": best.spec.get("seed")},
        "versions": _versions(run),
    }


def _predicts(path: Path) -> dict[str, Any]:
    found = preprocessing_of(path)
    if found is None:
        return {"kind": "outputs of the task's heads", "classes": None}
    return {"kind": "number" if found.get("classes") is None else "class", "classes": found.get("classes")}


def _data(run: RunData, best: Best) -> tuple[Task | None, dict[str, Split] | None, str | None]:
    """Return the task and its splits; without them the reason why they cannot be had here."""
    from gondwana import tasks

    named = run.config.get("task", {})
    try:
        task = tasks.get(str(named.get("name")), **named.get("options", {}))
        searched, test = task.search_data(best.data_dir), task.test_data(best.data_dir)
    except (ValueError, OSError, RuntimeError) as error:
        return None, None, " ".join(str(error).split())
    return task, {"training": searched.train, "validation": searched.validation, "test": test}, None


def _described(
    run: RunData, task: Task | None, splits: Mapping[str, Split] | None, why: str | None, best: Best
) -> dict[str, Any]:
    named = run.config.get("task", {})
    options = {
        name: value
        for name, value in named.get("options", {}).items()
        if name not in ("schema", "scale", "prepared")
    }
    return {
        "task": named.get("name"),
        "options": options,
        "rows": None if splits is None else {name: len(split) for name, split in splits.items()},
        "columns": [] if task is None else list(task.describe()),
        "sha256": _digest(options, best.data_dir),
        "not_found": why,
    }


def _digest(options: Mapping[str, Any], data_dir: Path | None) -> str | None:
    """Return the digest of the task's file, if it has one that is there."""
    from gondwana.tasks.data import data_root

    if options.get("sha256"):
        return str(options["sha256"])
    given = options.get("path")
    file = None if not isinstance(given, str) else data_root(data_dir) / Path(given).expanduser()
    return hashlib.sha256(file.read_bytes()).hexdigest() if file is not None and file.is_file() else None


def _figures(
    run: RunData,
    best: Best,
    network: keras.Model,
    task: Task | None,
    splits: Mapping[str, Split] | None,
    why: str | None,
) -> dict[str, Any]:
    """Return the metric on validation and test rows, its interval, and the other metrics by name."""
    measured = {} if best.final is None else dict(best.final.outcome.metrics)
    test = measured.get("test_fitness")
    found: dict[str, Any] = {
        "metric": run.metric,
        "validation": best.outcome.fitness if best.final is None else best.final.outcome.fitness,
        "test": test,
        "interval": None,
        "confidence": CONFIDENCE,
        "method": why,
        "others": {name: value for name, value in sorted(measured.items()) if name.startswith("test_")},
    }
    if task is None or splits is None or test is None or not len(splits["test"]):
        return found
    heads = task.info.heads
    if len(heads) != 1:
        return {**found, "method": "no interval for the mean of several outputs"}
    return {**found, **_interval(heads[0], network, splits["test"], float(test))}


def _interval(head: Head, network: keras.Model, split: Split, recorded: float) -> dict[str, Any]:
    from gondwana.nas.statistics.two_groups.proportions import wilson
    from gondwana.tasks.metrics import METRICS, fitness, value_of

    name = KERAS_NAMES.get(head.metric, head.metric)
    if name not in METRICS:
        return {"method": f"no interval for the metric {head.metric}"}
    y, predicted = np.asarray(split.y), outputs(network, split.x)

    def value(rows: np.ndarray) -> float:
        return fitness(name, value_of(name, head.kind, y[rows], predicted[rows], head.scale))

    every = np.arange(len(y))
    again = value(every)
    if not abs(again - recorded) <= SAME * max(1.0, abs(recorded)):
        return {"method": f"no interval: the test rows of today give {again:.4f}, so they are others"}
    if name == "accuracy" and head.kind in ("binary", "classes"):
        found = wilson(round(again * len(y)), len(y), CONFIDENCE)
        return {"interval": [found.low, found.high], "method": f"Wilson, {len(y)} test rows"}
    rng = np.random.default_rng(0)
    values = [value(rng.integers(0, len(y), len(y))) for _ in range(RESAMPLES)]
    tail = 100 * (1 - CONFIDENCE) / 2
    low, high = np.nanpercentile(values, [tail, 100 - tail])
    return {
        "interval": [float(low), float(high)],
        "method": f"percentiles of {RESAMPLES} bootstrap samples of {len(y)} test rows",
    }


def _functions(network: keras.Model) -> list[dict[str, Any]]:
    """Return the activation functions of a network, each once, evolved ones with their formula."""
    from gondwana.activations import GraphActivation
    from gondwana.activations.study.symbolic import latex

    found: dict[str, dict[str, Any]] = {}
    for layer in _layers(network):
        if isinstance(layer, GraphActivation):
            text = layer.graph.text
            extra = (
                {"minus": layer.offset, "divided_by": layer.divisor} if layer.center or layer.scale else {}
            )
            found.setdefault(
                f"{text} {extra}",
                {"text": text, "latex": latex(layer.graph), "parameters": layer.graph.parameters, **extra},
            )
            continue
        function = getattr(layer, "activation", None)
        name = getattr(function, "__name__", type(function).__name__)
        if function is not None and name != "linear":
            found.setdefault(name, {"text": name, "latex": None, "parameters": 0})
    return list(found.values())


def _layers(network: Any) -> Iterator[Any]:
    for layer in network.layers:
        if hasattr(layer, "layers"):
            yield from _layers(layer)
        else:
            yield layer


def _search(run: RunData) -> dict[str, Any]:
    settings = run.config.get("search", {})
    names = ("kind", "mode", "population", "evaluations", "species", "initialization", "strategies")
    return {
        "settings": {name: settings[name] for name in names if name in settings},
        "generations": run.config.get("generations"),
        "evaluations": len(run.outcomes),
        "finalists": run.config.get("finalists"),
        "time_budget": run.config.get("time_budget"),
    }


def _versions(run: RunData) -> dict[str, Any]:
    noted = run.environment
    packages = noted.get("packages") or noted.get("versions")
    return {
        "packages": dict(packages) if isinstance(packages, Mapping) else {},
        "python": noted.get("python"),
        "backend": noted.get("backend"),
        "devices": noted.get("devices"),
        "commit": commit_of(run) or None,
    }
