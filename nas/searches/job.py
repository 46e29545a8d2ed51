"""What a search is made for: the facts of a run that every search gets beside its own settings."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from gondwana.tasks.base import TaskInfo


@dataclass(frozen=True, slots=True)
class SearchJob:
    """What a search is to do.

    Attributes:
        seed: seed of the run, at least 0.
        generations: number of generations, at least 1.
        task: ``{"name": ..., "options": {...}}``.
        info: that task's facts, to check that networks fit it.
        training: fields of :class:`gondwana.tasks.training.recipe.Recipe`.
        limits: ``max_parameters`` and what else the worker heeds; absent keys are unlimited.
    """

    seed: int
    generations: int
    task: Mapping[str, Any]
    info: TaskInfo
    training: Mapping[str, Any]
    limits: Mapping[str, Any] = field(default_factory=dict)
