"""Whole evolutions side by side that differ in the initialization strategy alone, as in the paper's Section 6.

Every arm is one CoDeepNEAT search under one strategy and one seed. All arms are one search to the engine, so they share
its workers, its store and its resume; none of them ever waits for the outcomes of another.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Literal

from pydantic import Field, PositiveInt, field_serializer, model_validator

from gondwana.nas.candidate import RESULTS, Candidate, Json, Outcome
from gondwana.nas.searches.best_so_far import Tally
from gondwana.nas.searches.codeepneat.create import CoDeepNEATConfig
from gondwana.nas.searches.codeepneat.settings import EVOLVED, Initialization
from gondwana.nas.searches.planned import Frozen, StrategyItem, group_names
from gondwana.nas.searches.preflight import check_experiment
from gondwana.nas.searches.protocol import Progress, Search

if TYPE_CHECKING:
    from gondwana.tasks.base import TaskInfo


@dataclass
class Arm:
    """One of the searches.

    Attributes:
        strategy: name of its group.
        replicate: number of its seed.
        search: the search itself; its candidates are numbered anew.
        snapshots: its state at the end of each generation that not all arms have finished.
        asked: number of candidates that it has handed out.
    """

    strategy: str
    replicate: int
    search: Search
    snapshots: dict[int, Json] = field(default_factory=dict)
    asked: int = 0

    @property
    def name(self) -> str:
        """Key of the arm in a snapshot."""
        return f"{self.strategy}, replicate {self.replicate}"

    @property
    def complete(self) -> int:
        """Number of generations whose outcomes are all in."""
        progress = self.search.progress()
        return progress.generations if self.search.finished else progress.generation


class SideBySide:
    """Ask and tell over several searches: whichever has handed out least is asked first.

    Args:
        arms: in the order in which equals are asked; at least one.
    """

    def __init__(self, arms: Sequence[Arm]) -> None:
        self._arms = tuple(arms)
        self._origin: dict[int, tuple[Arm, int]] = {}
        """Id of a candidate -> its arm and its id there."""
        self._ids: dict[tuple[str, int], int] = {}
        self._fitness: dict[int, float] = {}
        self._tally = Tally()

    def ask(self, count: int) -> list[Candidate]:
        """Return up to ``count`` candidates, fewer when every arm waits for outcomes."""
        found: list[Candidate] = []
        while len(found) < count:
            candidate = self._next()
            if candidate is None:
                break
            found.append(candidate)
        return found

    def _next(self) -> Candidate | None:
        for arm in sorted(self._arms, key=lambda arm: arm.asked):
            given = arm.search.ask(1)
            if given:
                arm.asked += 1
                number = len(self._origin)
                self._origin[number] = arm, given[0].id
                self._ids[arm.name, given[0].id] = number
                return self._renumbered(arm, given[0])
        return None

    def _renumbered(self, arm: Arm, candidate: Candidate) -> Candidate:
        origin = {"strategy": arm.strategy, "replicate": arm.replicate, **candidate.origin}
        return replace(candidate, id=self._ids[arm.name, candidate.id], origin=origin)

    def tell(self, outcome: Outcome) -> None:
        """Take in the outcome of a candidate that was asked for.

        Raises:
            ValueError: if the candidate was never asked for, or was told before.
        """
        if outcome.candidate_id not in self._origin:
            raise ValueError(f"candidate {outcome.candidate_id} was never asked for")
        arm, number = self._origin[outcome.candidate_id]
        before = arm.complete
        arm.search.tell(
            replace(outcome, candidate_id=number, duplicate_of=self._inside(arm, outcome.duplicate_of))
        )
        self._tally.add(outcome)
        if outcome.state in RESULTS and outcome.fitness is not None:
            self._fitness[outcome.candidate_id] = outcome.fitness
        if arm.complete > before:
            arm.snapshots[before] = arm.search.snapshot()

    def _inside(self, arm: Arm, original: int | None) -> int | None:
        """Return the id that an arm knows a duplicate's original by; None if it is of another arm."""
        if original is None:
            return None
        owner, number = self._origin[original]
        return number if owner is arm else None

    @property
    def finished(self) -> bool:
        """True when every arm is."""
        return all(arm.search.finished for arm in self._arms)

    def progress(self) -> Progress:
        """Return where the search stands: in the generation of the arm that is furthest behind."""
        parts = [arm.search.progress() for arm in self._arms]
        return Progress(
            generation=min(part.generation for part in parts),
            generations=parts[0].generations,
            told=sum(part.told for part in parts),
            total=sum(part.total for part in parts),
            best_fitness=self._tally.best,
            mean_fitness=self._tally.mean,
        )

    def finalists(self) -> list[Candidate]:
        """Return the best of every arm, then the second of every arm, and so on, the fitter first among equal ranks."""
        lists = [[(arm, candidate) for candidate in arm.search.finalists()] for arm in self._arms]
        ranks = range(max(map(len, lists), default=0))
        return [
            candidate
            for rank in ranks
            for candidate in self._by_fitness(part[rank] for part in lists if rank < len(part))
        ]

    def _by_fitness(self, chosen: Iterable[tuple[Arm, Candidate]]) -> list[Candidate]:
        found = [self._renumbered(arm, candidate) for arm, candidate in chosen]
        return sorted(found, key=lambda candidate: (-self._fitness[candidate.id], candidate.id))

    def snapshot(self) -> Json:
        """Return the state of every arm at the end of the last generation that all of them have finished."""
        generation = min(arm.complete for arm in self._arms) - 1
        states = {arm.name: arm.snapshots.get(generation, {}) for arm in self._arms}
        for arm in self._arms:
            arm.snapshots = {number: state for number, state in arm.snapshots.items() if number >= generation}
        return {"kind": "arms", "generation": generation, "arms": states}


class ArmsSettings(Frozen):
    """The ``search`` section of a config with ``kind: arms``.

    Attributes:
        strategies: initialization strategies, each a name or ``{strategy, options}``; ``evolved`` leaves every layer
            with the initializer of its own gene.
        replicates: searches under each strategy; replicate r has the run's seed plus r, the same under every strategy.
        evolution: the search of every arm, without ``initialization``.
    """

    kind: Literal["arms"]
    strategies: tuple[StrategyItem, ...] = Field(min_length=1)
    replicates: PositiveInt = 1
    evolution: CoDeepNEATConfig

    @model_validator(mode="after")
    def _check(self) -> ArmsSettings:
        names = group_names(self.strategies)
        if len(set(names)) < len(names):
            raise ValueError(f"each strategy may stand once. Received: {list(names)}")
        if "initialization" in self.evolution.model_fields_set:
            raise ValueError("'evolution.initialization' is what the strategies vary; leave it out")
        return self

    @field_serializer("evolution")
    def _as_given(self, value: CoDeepNEATConfig) -> Json:
        return value.model_dump(mode="json", exclude={"initialization"})

    def create(
        self,
        *,
        seed: int,
        generations: int,
        task: Mapping[str, Any],
        info: TaskInfo,
        training: Mapping[str, Any],
        limits: Mapping[str, Any],
    ) -> SideBySide:
        """Return the search; arguments as for :meth:`CoDeepNEATConfig.create`.

        Raises:
            ValueError: if a strategy does not exist; and what the search of an arm raises.
        """
        check_experiment(info, (), [item for item in self.strategies if item.strategy != EVOLVED])
        arms = []
        for replicate in range(self.replicates):
            for name, item in zip(group_names(self.strategies), self.strategies, strict=True):
                chosen = Initialization(strategy=item.strategy, options=item.options)
                settings = self.evolution.model_copy(update={"initialization": chosen})
                search = settings.create(
                    seed=seed + replicate,
                    generations=generations,
                    task=task,
                    info=info,
                    training=training,
                    limits=limits,
                )
                arms.append(Arm(name, replicate, search))
        return SideBySide(arms)
