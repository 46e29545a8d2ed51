"""Search for activation functions by regularized (aging) evolution, as PANGAEA does it, and by random search.

Bingham and Miikkulainen (arXiv:2006.03179): a population of P functions; each step draws S of them with replacement,
mutates the fittest and draws its learnable factors anew, evaluates the child, adds it and removes the oldest. Children
below a validity threshold count as evaluated but are not added. After C evaluations the best are ranked again by
longer trainings, and the first of these are reported on the test split.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Literal

from pydantic import Field, NonNegativeFloat, PositiveInt

from gondwana.nas.candidate import Candidate, Json, Outcome
from gondwana.nas.searches.best_so_far import BestSoFar
from gondwana.nas.searches.initialization import Strategy, StrategyItem
from gondwana.nas.searches.job import SearchJob
from gondwana.nas.searches.pangaea.logbook import FunctionLog, hall_of_fame
from gondwana.nas.searches.pangaea.proposers import (
    Evolution,
    Guided,
    Member,
    Proposer,
    RandomDraws,
    Sampler,
)
from gondwana.nas.searches.planned import (
    Architecture,
    Frozen,
    SettingsError,
    SpecFactory,
)
from gondwana.nas.searches.preflight import check_experiment
from gondwana.nas.searches.protocol import Progress
from gondwana.nas.searches.surrogate.settings import SurrogateItem, SurrogateSettings
from gondwana.nas.searches.surrogate.surrogate import Surrogate
from gondwana.tasks.training.recipe import Recipe

if TYPE_CHECKING:
    from gondwana.activations import Graph

FINALISTS = 10


class Rerank(Frozen):
    """Longer trainings of the best functions once the search is over.

    Attributes:
        count: functions that are trained again.
        replicates: trainings of each; their mean fitness ranks them.
        training: fields of the training recipe that differ from the search's, such as ``{epochs: 200}``.
    """

    count: PositiveInt = 10
    replicates: PositiveInt = 2
    training: dict[str, Any] = Field(default_factory=dict)


class FunctionSettings(Frozen, ABC):
    """What searches over activation functions have in common.

    Attributes:
        architecture: network in which the functions are used.
        initialization: strategy, a name or ``{strategy, options}``.
        evaluations: trainings in each generation; a run has ``generations * evaluations`` of them.
        validity: fitness below which a function counts as evaluated but is no parent.
        unique: reject a function equal to an earlier one before training.
        valid: reject a function that is constant, not finite or without Gaussian moments before training.
        lag: a candidate is bred from the outcomes of all candidates up to this many places before it, in the order of
            their ids, so the run is the same for any number of workers; should be at least the number of workers.
            None uses every outcome that has arrived: workers never wait, and the order of arrival matters.
        rerank: longer trainings of the best functions at the end; None for none.
        forms: ``any``, or ``minimal`` for functions ``unary(unary(x))`` and ``binary(unary(x),unary(x))`` alone,
            without factors, of which there are so few that a table can hold them all.
        surrogate: learn from all outcomes which function to evaluate next; ``true``, ``false`` or settings.
    """

    architecture: Architecture
    initialization: StrategyItem = Strategy(strategy="autoinit++")
    evaluations: PositiveInt = 100
    validity: NonNegativeFloat = 0.2
    unique: bool = True
    valid: bool = True
    lag: PositiveInt | None = 16
    rerank: Rerank | None = None
    forms: Literal["any", "minimal"] = "any"
    surrogate: SurrogateItem = None

    def create(self, job: SearchJob) -> FunctionSearch:
        """Return the search.

        Raises:
            ValueError: if architecture or strategy do not exist, the architecture does not fit the task, or the longer
                trainings of ``rerank`` have settings that no training has.
        """
        check_experiment(job.info, [self.architecture], [self.initialization])
        if self.rerank is not None:
            try:
                Recipe.from_json({**job.training, **self.rerank.training})
            except ValueError as error:
                raise SettingsError(f"search.rerank.training: {error}") from error
        return FunctionSearch(
            self,
            self._guided(job.seed),
            SpecFactory(job.seed, job.task, self.architecture, job.training, job.limits),
            job.generations,
        )

    def _guided(self, seed: int) -> Proposer:
        proposer = self.proposer(self._sampler(seed))
        return proposer if self.surrogate is None else Guided(proposer, Surrogate(self.surrogate, seed))

    def _sampler(self, seed: int) -> Sampler:
        return Sampler(seed, self.unique, self.valid, self.forms == "minimal")

    @abstractmethod
    def proposer(self, sampler: Sampler) -> Proposer:
        """Return what proposes functions that a sampler makes."""


class PangaeaSettings(FunctionSettings):
    """The ``search`` section of a config with ``kind: pangaea``.

    Attributes:
        population: functions that may be parents, the youngest.
        tournament: functions drawn from the population, with replacement; the fittest is the parent.
        surrogate: on by default; ``false`` for PANGAEA as it was published.
    """

    kind: Literal["pangaea"] = "pangaea"
    population: PositiveInt = 64
    tournament: PositiveInt = 16
    surrogate: SurrogateItem = SurrogateSettings()

    def proposer(self, sampler: Sampler) -> Proposer:
        """Return aging evolution."""
        return Evolution(sampler, self.population, self.tournament)


class RandomSettings(FunctionSettings):
    """The ``search`` section of a config with ``kind: random``: every function is drawn afresh."""

    kind: Literal["random"] = "random"

    def proposer(self, sampler: Sampler) -> Proposer:
        """Return random search."""
        return RandomDraws(sampler)


class FunctionSearch:
    """Ask and tell: the search proper, then the longer trainings of the best. Made by ``settings.create``."""

    def __init__(
        self, settings: FunctionSettings, proposer: Proposer, spec: SpecFactory, generations: int
    ) -> None:
        self._settings = settings
        self._proposer = proposer
        self._spec = spec
        self._generations = generations
        self._evaluations = generations * settings.evaluations
        self._asked: list[Candidate] = []
        self._graphs: list[Graph] = []
        self._outcomes: dict[int, Outcome] = {}
        self._best_so_far = BestSoFar()
        self._absorbed = 0
        """Outcomes that have changed the population; with a lag, those of the first so many candidates."""
        self._reranked: list[Candidate] | None = None
        self._below = 0
        self._log = FunctionLog()
        self._snapshot = self._state()

    def ask(self, count: int) -> list[Candidate]:
        """Return up to ``count`` candidates; fewer while outcomes are missing that the next one depends on."""
        batch: list[Candidate] = []
        while len(batch) < count and (candidate := self._next()) is not None:
            self._asked.append(candidate)
            batch.append(candidate)
        return batch

    def tell(self, outcome: Outcome) -> None:
        """Take in an outcome.

        Raises:
            ValueError: if the candidate was never asked for, or was told before.
        """
        if not 0 <= outcome.candidate_id < len(self._asked):
            raise ValueError(f"candidate {outcome.candidate_id} was never asked for")
        if outcome.candidate_id in self._outcomes:
            raise ValueError(f"the outcome of candidate {outcome.candidate_id} was told before")
        self._outcomes[outcome.candidate_id] = outcome
        self._best_so_far.add(outcome)
        if self._settings.lag is None:
            self._absorb(outcome.candidate_id)
        elif len(self._outcomes) >= self._evaluations:
            while self._absorbed in self._outcomes:
                self._absorb(self._absorbed)

    @property
    def finished(self) -> bool:
        """True when every outcome is in, those of the longer trainings included."""
        return len(self._outcomes) == self._total()

    def progress(self) -> Progress:
        """Return where the search stands; the longer trainings at the end count as a generation."""
        extra = 0 if self._settings.rerank is None else 1
        surrogate = self._proposer.surrogate()
        return Progress(
            generation=min(self._absorbed // self._settings.evaluations, self._generations + extra - 1),
            generations=self._generations + extra,
            told=len(self._outcomes),
            total=self._total(),
            best_fitness=self._best_so_far.best,
            mean_fitness=self._best_so_far.mean,
            surrogate=None if surrogate is None else surrogate.correlation,
        )

    def finalists(self) -> list[Candidate]:
        """Return the best candidates, ranked by the mean of the longer trainings if there are any."""
        if self._reranked is None:
            return [self._asked[number] for number in self._ranking()[:FINALISTS]]
        first: dict[int, Candidate] = {}
        values: dict[int, list[float]] = {}
        for candidate in self._reranked:
            of, fitness = int(candidate.origin["again"]), self._fitness(candidate.id)
            first.setdefault(of, candidate)
            if fitness is not None:
                values.setdefault(of, []).append(fitness)
        order = sorted(values, key=lambda of: (-math.fsum(values[of]) / len(values[of]), of))
        return [first[of] for of in order]

    def snapshot(self) -> Json:
        """Return the population, oldest first, and counts, as they were when the last generation was complete.

        ``logbook`` has a line for each complete generation: the smallest, median, mean and largest fitness, number of
        operators and number of factors of its population.
        """
        return self._snapshot

    def _state(self) -> Json:
        surrogate = self._proposer.surrogate()
        return {
            "kind": getattr(self._settings, "kind", ""),
            "population": [
                {"candidate": member.candidate_id, "text": str(member.graph), "fitness": member.fitness}
                for member in self._proposer.population()
            ],
            "absorbed": self._absorbed,
            "below_validity": self._below,
            "logbook": self._log.lines(),
            **({} if surrogate is None else {"surrogate": surrogate.snapshot()}),
        }

    def _next(self) -> Candidate | None:
        number, lag = len(self._asked), self._settings.lag
        if number >= self._evaluations:
            return self._next_again(number)
        if lag is not None:
            while self._absorbed <= number - lag:
                if self._absorbed not in self._outcomes:
                    return None
                self._absorb(self._absorbed)
        graph, origin = self._proposer.propose(number)
        self._graphs.append(graph)
        text = str(graph)
        spec = self._spec(text, self._settings.initialization, 0)
        return Candidate(number, number // self._settings.evaluations, spec, {**origin, "text": text})

    def _next_again(self, number: int) -> Candidate | None:
        if self._settings.rerank is None or len(self._outcomes) < self._evaluations:
            return None
        if self._reranked is None:
            self._reranked = list(self._plan_again(self._settings.rerank))
        position = number - self._evaluations
        return self._reranked[position] if position < len(self._reranked) else None

    def _plan_again(self, rerank: Rerank) -> Iterator[Candidate]:
        number = self._evaluations
        for of in self._ranking()[: rerank.count]:
            text = str(self._graphs[of])
            for replicate in range(1, rerank.replicates + 1):  # 0 is the search's own training
                spec = self._spec(text, self._settings.initialization, replicate, rerank.training)
                origin = {"again": of, "replicate": replicate, "text": text}
                yield Candidate(number, self._generations, spec, origin)
                number += 1

    def _absorb(self, number: int) -> None:
        self._absorbed += 1
        if number < self._evaluations:
            self._judge(number)
        if number < self._evaluations and self._absorbed % self._settings.evaluations == 0:
            self._log.record(
                self._absorbed // self._settings.evaluations - 1,
                self._proposer.population(),
                evaluations=self._absorbed,
                below_validity=self._below,
            )
            self._snapshot = self._state()

    def _judge(self, number: int) -> None:
        fitness = self._fitness(number)
        self._proposer.learn(self._graphs[number], fitness)
        if fitness is None or fitness < self._settings.validity:
            self._below += 1
        else:
            self._proposer.add(Member(number, self._graphs[number], fitness))

    def _ranking(self) -> list[int]:
        """Ids of the search's best functions, fittest first, the earlier asked first among equals."""
        rerank = self._settings.rerank
        return hall_of_fame(
            (
                (number, str(self._graphs[number]), fitness)
                for number in range(len(self._graphs))
                if (fitness := self._fitness(number)) is not None
            ),
            FINALISTS if rerank is None else max(FINALISTS, rerank.count),
        )

    def _fitness(self, number: int) -> float | None:
        outcome = self._outcomes.get(number)
        return None if outcome is None else outcome.fitness

    def _total(self) -> int:
        rerank = self._settings.rerank
        if rerank is None:
            return self._evaluations
        if self._reranked is not None:
            return self._evaluations + len(self._reranked)
        if len(self._outcomes) >= self._evaluations:  # every outcome is in, so the number of results is known
            return self._evaluations + min(rerank.count, len(self._ranking())) * rerank.replicates
        return self._evaluations + rerank.count * rerank.replicates
