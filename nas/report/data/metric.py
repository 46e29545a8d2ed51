"""What the fitness of a run is: the metric of its task's heads, by name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

UNKNOWN = "fitness"


def metric_of(config: Mapping[str, Any]) -> str:
    """Return the metric that is a run's fitness, such as ``accuracy`` or ``r2 score``; "fitness" if nothing says it.

    Args:
        config: of the run; its task is looked up.
    """
    from gondwana import tasks

    task = config.get("task", {})
    if "name" not in task:
        return UNKNOWN
    try:
        heads = tasks.get(str(task["name"]), **task.get("options", {})).info.heads
    except ValueError:  # a user's own task whose code or files are not here: its run can be read all the same
        return UNKNOWN
    names = {_plain(head.metric) for head in heads}
    if len(names) > 1:
        return f"mean of {', '.join(sorted(names))}"
    return f"mean {names.pop()}" if len(heads) > 1 else names.pop()


def _plain(metric: str) -> str:
    """Return Keras' name in words; its accuracies differ in the form of the targets only."""
    return "accuracy" if metric.endswith("accuracy") else metric.replace("_", " ")


def is_accuracy(metric: str) -> bool:
    """Return whether ``1 - value`` is a share of errors."""
    return metric.endswith("accuracy")
