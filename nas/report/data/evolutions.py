"""Whole evolutions in groups, such as one group for each initialization strategy, and what tells the groups apart."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from gondwana.nas.candidate import State
from gondwana.nas.report.data.run_data import RunData, Trial, by_generation
from gondwana.nas.statistics.runs_needed import runs_needed


@dataclass(frozen=True)
class Evolution:
    """The candidates of one evolution, in the order in which they were made.

    Attributes:
        name: what tells it from the others of its group.
        trials: its candidates with their outcomes.
        finished: whether the run has ended; until then some candidates of a generation may not have been asked for.
    """

    name: str
    trials: tuple[Trial, ...]
    finished: bool = True

    def by_generation(self) -> dict[int, list[float]]:
        """Fitness values of the results of each generation."""
        return by_generation(self.trials)

    def best(self, last: int | None = None) -> float | None:
        """Largest fitness up to the generation ``last``; None if there is no result."""
        values = [v for g, found in self.by_generation().items() if last is None or g <= last for v in found]
        return max(values, default=None)

    def best_so_far(self) -> tuple[list[int], list[float]]:
        """Generations, and the best fitness up to each."""
        found = self.by_generation()
        return list(found), [float(v) for v in np.maximum.accumulate([max(found[g]) for g in found])]

    def means(self) -> tuple[list[int], list[float]]:
        """Generations, and the mean fitness of each."""
        found = self.by_generation()
        return list(found), [float(np.mean(found[g])) for g in found]

    @property
    def complete(self) -> int:
        """Last generation whose outcomes, and those of all before it, are in; -1 if there is none.

        Of an unfinished run, a generation with fewer candidates than another one is not complete.
        """
        sizes = Counter(trial.candidate.generation for trial in self.trials)
        waiting = {trial.candidate.generation for trial in self.trials if trial.outcome is None}
        if not self.finished:
            waiting |= {generation for generation, size in sizes.items() if size < max(sizes.values())}
        return min(waiting) - 1 if waiting else max(sizes, default=-1)

    def networks(self, last: int) -> list[tuple[str, float | None]]:
        """Name and value of every network up to the generation ``last``, of all if that is -1.

        The value is NaN if the network could not be trained, None if only the infrastructure failed.

        What was answered from the cache is the same network again and left out.
        """
        return [
            (f"{self.name}, candidate {trial.candidate.id}", _value(trial))
            for trial in self.trials
            if trial.outcome is not None and trial.outcome.state is not State.DUPLICATE
            if last < 0 or trial.candidate.generation <= last
        ]


def _value(trial: Trial) -> float | None:
    if trial.outcome is not None and trial.outcome.state in (State.DIVERGED, State.INVALID):
        return math.nan
    return trial.fitness


Groups = dict[str, list[Evolution]]
"""Evolutions by the name of their group."""


def evolutions_of(run: RunData) -> Groups:
    """Return a run's evolutions: one per strategy and replicate if they are side by side, otherwise the run itself."""
    if run.kind != "side_by_side":
        return {run.name: [Evolution(run.path.name, run.trials, run.finished is not None)]}
    found: dict[tuple[str, int], list[Trial]] = {}
    for trial in run.trials:
        origin = trial.candidate.origin
        found.setdefault((str(origin["strategy"]), int(origin["replicate"])), []).append(trial)
    groups: Groups = {}
    for (strategy, replicate), trials in sorted(found.items(), key=lambda item: item[1][0].candidate.id):
        evolution = Evolution(f"replicate {replicate}", tuple(trials), run.finished is not None)
        groups.setdefault(strategy, []).append(evolution)
    return groups


@dataclass(frozen=True)
class Measured:
    """What the groups are compared by.

    Attributes:
        unit: "evolution" (its best network) or "network" (every network, where there are too few evolutions).
        last: last generation that takes part, the last that all evolutions have finished.
        values: by group; None for no result.
        texts: what each value belongs to, by group.
    """

    unit: str
    last: int
    values: Mapping[str, Sequence[float | None]]
    texts: Mapping[str, Sequence[str]]


def measured(groups: Groups) -> Measured:
    """Return the best network of every evolution, or every network where a group has too few evolutions.

    Enough are as many as a verdict needs at all, given the number of groups: four of each of two.
    """
    enough = runs_needed(max(1, math.comb(len(groups), 2)))
    last = min((evolution.complete for found in groups.values() for evolution in found), default=-1)
    if all(len(found) >= enough for found in groups.values()) and last >= 0:
        return Measured(
            "evolution",
            last,
            {name: [evolution.best(last) for evolution in found] for name, found in groups.items()},
            {name: [evolution.name for evolution in found] for name, found in groups.items()},
        )
    networks = {
        name: [item for evolution in found for item in evolution.networks(last)]
        for name, found in groups.items()
    }
    return Measured(
        "network",
        last,
        {name: [value for _, value in items] for name, items in networks.items()},
        {name: [text for text, _ in items] for name, items in networks.items()},
    )
