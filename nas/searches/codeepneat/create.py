"""Make a CoDeepNEAT search from its settings; in a file of its own, so that the settings need not import the search."""

from __future__ import annotations

from gondwana.nas.searches.codeepneat.search import CoDeepNEAT
from gondwana.nas.searches.codeepneat.settings import EVOLVED, CoDeepNEATSettings
from gondwana.nas.searches.codeepneat.steady import SteadyCoDeepNEAT
from gondwana.nas.searches.job import SearchJob
from gondwana.nas.searches.preflight import check_experiment


class CoDeepNEATConfig(CoDeepNEATSettings):
    """The settings as a config's ``search:`` section, from which the engine makes the search."""

    def create(self, job: SearchJob) -> CoDeepNEAT:
        """Return the search; the network-level genes override fields of ``job.training``.

        Raises:
            ValueError: if the space does not fit the task, a network-level gene is neither one of the model nor a field
                of the training recipe, or there is no such initialization strategy.
        """
        if self.initialization.strategy != EVOLVED:
            check_experiment(job.info, (), [self.initialization])
        kind = SteadyCoDeepNEAT if self.mode == "steady" else CoDeepNEAT
        return kind(self, job)
