"""From the settings of a CoDeepNEAT search to the search: the settings themselves know none."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gondwana.nas.searches.codeepneat.job import Job
from gondwana.nas.searches.codeepneat.search import CoDeepNEAT
from gondwana.nas.searches.codeepneat.settings import CoDeepNEATSettings
from gondwana.nas.searches.codeepneat.steady import SteadyCoDeepNEAT
from gondwana.tasks.base import TaskInfo


class CoDeepNEATConfig(CoDeepNEATSettings):
    """The settings as a config's ``search:`` section, from which the engine makes the search."""

    def create(
        self,
        *,
        seed: int,
        generations: int,
        task: Mapping[str, Any],
        info: TaskInfo,
        training: Mapping[str, Any],
        limits: Mapping[str, Any],
    ) -> CoDeepNEAT:
        """Return the search.

        Args:
            seed: seed of the run, at least 0.
            generations: number of generations, at least 1.
            task: ``{"name": ..., "options": {...}}``.
            info: that task's facts.
            training: fields of ``gondwana.tasks.training.recipe.Recipe``; the network-level genes override them.
            limits: ``max_parameters`` and what else the worker heeds.

        Raises:
            ValueError: if the space does not fit the task, or a network-level gene is neither one of the model nor a
                field of the training recipe.
        """
        from gondwana.nas.searches.codeepneat.search import CoDeepNEAT

        kind = SteadyCoDeepNEAT if self.mode == "steady" else CoDeepNEAT
        return kind(self, Job(seed, generations, task, info, training, limits))
