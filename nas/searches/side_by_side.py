"""Whole evolutions side by side that differ in the initialization strategy alone, as in the paper's Section 6.

Each part is one CoDeepNEAT search under one strategy and one seed. To the engine they are one search, so they share its
workers, its store and its resume; none of them ever waits for the outcomes of another.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

from pydantic import Field, PositiveInt, field_serializer, model_validator

from gondwana.nas.candidate import RESULTS, Candidate, Json, Outcome
from gondwana.nas.searches.best_so_far import BestSoFar
from gondwana.nas.searches.codeepneat.create import CoDeepNEATConfig
from gondwana.nas.searches.codeepneat.settings import EVOLVED
from gondwana.nas.searches.initialization import Initialization, StrategyItem
from gondwana.nas.searches.job import SearchJob
from gondwana.nas.searches.planned import Frozen, group_names
from gondwana.nas.searches.preflight import check_experiment
from gondwana.nas.searches.protocol import Progress, Search

RECORDED = "arms"
"""Key of the searches in a snapshot: the name that version 0.1 recorded, under which old and new runs are read."""


@dataclass
class Part:
    """One of the searches that stand side by side.

    Attributes:
        strategy: name of its group.
        replicate: number of its seed.
        search: the search itself; its candidates are numbered anew.
        snapshots: its state at the end of each generation that not all parts have finished.
        asked: number of candidates that it has handed out.
    """

    strategy: str
    replicate: int
    search: Search
    snapshots: dict[int, Json] = field(default_factory=dict)
    asked: int = 0

    @property
    def name(self) -> str:
        """Key of this search in a snapshot."""
        return f"{self.strategy}, replicate {self.replicate}"

    @property
    def complete(self) -> int:
        """Number of generations whose outcomes are all in."""
        progress = self.search.progress()
        return progress.generations if self.search.finished else progress.generation


class SideBySide:
    """Ask and tell over several searches: whichever has handed out least is asked first.

    Args:
        parts: in the order in which equals are asked; at least one.
    """

    def __init__(self, parts: Sequence[Part]) -> None:
        self._parts = tuple(parts)
        self._origin: dict[int, tuple[Part, int]] = {}
        """Id of a candidate -> its search and its id there."""
        self._ids: dict[tuple[str, int], int] = {}
        self._fitness: dict[int, float] = {}
        self._best_so_far = BestSoFar()

    def ask(self, count: int) -> list[Candidate]:
        """Return up to ``count`` candidates, fewer when every search waits for outcomes."""
        found: list[Candidate] = []
        while len(found) < count:
            candidate = self._next()
            if candidate is None:
                break
            found.append(candidate)
        return found

    def _next(self) -> Candidate | None:
        for part in sorted(self._parts, key=lambda part: part.asked):
            given = part.search.ask(1)
            if given:
                part.asked += 1
                number = len(self._origin)
                self._origin[number] = part, given[0].id
                self._ids[part.name, given[0].id] = number
                return self._renumbered(part, given[0])
        return None

    def _renumbered(self, part: Part, candidate: Candidate) -> Candidate:
        origin = {"strategy": part.strategy, "replicate": part.replicate, **candidate.origin}
        for name in ("continues", "network"):  # the search's own numbers of candidates
            if name in origin:
                origin[name] = self._ids[part.name, origin[name]]
        return replace(candidate, id=self._ids[part.name, candidate.id], origin=origin)

    def tell(self, outcome: Outcome) -> None:
        """Take in the outcome of a candidate that was asked for.

        Raises:
            ValueError: if the candidate was never asked for, or was told before.
        """
        if outcome.candidate_id not in self._origin:
            raise ValueError(f"candidate {outcome.candidate_id} was never asked for")
        part, number = self._origin[outcome.candidate_id]
        before = part.complete
        part.search.tell(
            replace(outcome, candidate_id=number, duplicate_of=self._inside(part, outcome.duplicate_of))
        )
        self._best_so_far.add(outcome)
        if outcome.state in RESULTS and outcome.fitness is not None:
            self._fitness[outcome.candidate_id] = outcome.fitness
        if part.complete > before:
            part.snapshots[before] = part.search.snapshot()

    def _inside(self, part: Part, original: int | None) -> int | None:
        """Return the id that a search knows a duplicate's original by; None if it is of another search."""
        if original is None:
            return None
        owner, number = self._origin[original]
        return number if owner is part else None

    @property
    def finished(self) -> bool:
        """True when every search is."""
        return all(part.search.finished for part in self._parts)

    def progress(self) -> Progress:
        """Return where the search stands: in the generation of the one that is furthest behind."""
        found = [part.search.progress() for part in self._parts]
        return Progress(
            generation=min(part.generation for part in found),
            generations=found[0].generations,
            told=sum(part.told for part in found),
            total=sum(part.total for part in found),
            best_fitness=self._best_so_far.best,
            mean_fitness=self._best_so_far.mean,
        )

    def finalists(self) -> list[Candidate]:
        """Return the best of every search, then the second of each, and so on; of equal ranks the fitter first."""
        lists = [[(part, candidate) for candidate in part.search.finalists()] for part in self._parts]
        ranks = range(max(map(len, lists), default=0))
        return [
            candidate
            for rank in ranks
            for candidate in self._by_fitness(ranked[rank] for ranked in lists if rank < len(ranked))
        ]

    def _by_fitness(self, chosen: Iterable[tuple[Part, Candidate]]) -> list[Candidate]:
        found = [self._renumbered(part, candidate) for part, candidate in chosen]
        return sorted(found, key=lambda candidate: (-self._fitness[candidate.id], candidate.id))

    def snapshot(self) -> Json:
        """Return the state of every search at the end of the last generation that all of them have finished."""
        generation = min(part.complete for part in self._parts) - 1
        states = {part.name: part.snapshots.get(generation, {}) for part in self._parts}
        for part in self._parts:
            part.snapshots = {
                number: state for number, state in part.snapshots.items() if number >= generation
            }
        return {"kind": "arms", "generation": generation, RECORDED: states}


class SideBySideSettings(Frozen):
    """The ``search`` section of a config with ``kind: side_by_side``.

    Attributes:
        strategies: initialization strategies, each a name or ``{strategy, options}``; ``evolved`` leaves every layer
            with the initializer of its own gene.
        replicates: searches under each strategy; replicate r has the run's seed plus r, the same under every strategy.
        evolution: every one of the searches, without ``initialization``.
    """

    kind: Literal["side_by_side"]
    strategies: tuple[StrategyItem, ...] = Field(min_length=1)
    replicates: PositiveInt = 1
    evolution: CoDeepNEATConfig

    @model_validator(mode="after")
    def _check(self) -> SideBySideSettings:
        names = group_names(self.strategies)
        if len(set(names)) < len(names):
            raise ValueError(f"each strategy may stand once. Received: {list(names)}")
        if "initialization" in self.evolution.model_fields_set:
            raise ValueError("'evolution.initialization' is what the strategies vary; leave it out")
        return self

    @field_serializer("evolution")
    def _as_given(self, value: CoDeepNEATConfig) -> Json:
        return value.model_dump(mode="json", exclude={"initialization"})

    def create(self, job: SearchJob) -> SideBySide:
        """Return the search: a CoDeepNEAT search for each strategy and replicate, with seeds from the job's upwards.

        Raises:
            ValueError: if a strategy does not exist; and what one of the searches raises.
        """
        check_experiment(job.info, (), [item for item in self.strategies if item.strategy != EVOLVED])
        parts = []
        for replicate in range(self.replicates):
            for name, item in zip(group_names(self.strategies), self.strategies, strict=True):
                chosen = Initialization(**dict(item))
                settings = self.evolution.model_copy(update={"initialization": chosen})
                search = settings.create(replace(job, seed=job.seed + replicate))
                parts.append(Part(name, replicate, search))
        return SideBySide(parts)
