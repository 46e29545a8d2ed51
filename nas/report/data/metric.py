"""What the fitness of a run is: the metric of its task's heads, by name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

UNKNOWN = "fitness"
_WORDS = {
    "roc_auc": "ROC AUC",
    "f1": "F1",
    "f1_macro": "macro F1",
    "f1_micro": "micro F1",
    "mcc": "MCC",
    "mae": "MAE",
    "rmse": "RMSE",
    "mape": "MAPE",
    "r2": "R squared",
}


def metric_of(config: Mapping[str, Any]) -> str:
    """Return the metric that is a run's fitness, such as ``accuracy`` or ``r2 score``; "fitness" if nothing says it.

    Args:
        config: of the run; its task is looked up.
    """
    from gondwana import tasks
    from gondwana.tasks.metrics import larger_is_better

    task = config.get("task", {})
    if "name" not in task:
        return UNKNOWN
    try:
        heads = tasks.get(str(task["name"]), **task.get("options", {})).info.heads
    except ValueError:  # a user's own task whose code or files are not here: its run can be read all the same
        return UNKNOWN
    names = {_plain(head.metric, larger_is_better(head.metric)) for head in heads}
    if len(names) > 1:
        return f"mean of {', '.join(sorted(names))}"
    return f"mean {names.pop()}" if len(heads) > 1 else names.pop()


def _plain(metric: str, larger_is_better: bool) -> str:
    """Return a metric's name in words; Keras' accuracies differ in the form of the targets only."""
    if metric.endswith("accuracy") and metric != "balanced_accuracy":
        return "accuracy"
    name = _WORDS.get(metric, metric.replace("_", " "))
    return name if larger_is_better else f"negative {name}"


def is_accuracy(metric: str) -> bool:
    """Return whether ``1 - value`` is a share of errors."""
    return metric.endswith("accuracy")
