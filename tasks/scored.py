"""Any task, with another metric as the fitness: ``tasks.get("digits", metric="f1_macro")``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from gondwana.tasks.base import SearchData, Split, Task, TaskInfo


class Scored(Task):
    """A task whose heads are scored by another metric; its data are the same.

    Args:
        task: the task.
        metric: name of the metric, of :mod:`gondwana.tasks.metrics`.

    Raises:
        ValueError: if there is no such metric, or a head is one that it is not defined for.
    """

    def __init__(self, task: Task, metric: str) -> None:
        self._task, self._metric = task, metric
        self._info: TaskInfo | None = None

    @property
    def info(self) -> TaskInfo:
        """What goes in and what comes out."""
        if self._info is None:
            info = self._task.info
            heads = tuple(head.scored_by(self._metric) for head in info.heads)
            self._info = replace(info, heads=heads, options={**info.options, "metric": self._metric})
        return self._info

    def search_data(self, data_dir: Path | None = None) -> SearchData:
        """Return training and validation split. Raises as the task does."""
        return self._task.search_data(data_dir)

    def test_data(self, data_dir: Path | None = None) -> Split:
        """Return the test split. Raises as the task does."""
        return self._task.test_data(data_dir)

    def resolved(self, data_dir: Path | None = None) -> Task:
        """Return the task with what it infers, and the same metric."""
        return Scored(self._task.resolved(data_dir), self._metric)

    def describe(self) -> tuple[str, ...]:
        """Return in lines what was inferred."""
        return self._task.describe()

    def preprocessing(self, data_dir: Path | None = None) -> Mapping[str, Any] | None:
        """Return how raw rows become inputs, as the task does."""
        return self._task.preprocessing(data_dir)
