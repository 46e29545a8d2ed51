"""What a search over functions keeps: the best ones and a line of figures per generation, with DEAP's tools.

DEAP's deterministic parts serve here (``base.Fitness``, ``tools.HallOfFame``, ``tools.MultiStatistics``,
``tools.Logbook``). Its tournament draws from Python's global generator, so that of
:class:`gondwana.nas.searches.pangaea.proposers.Evolution` is its own.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

import numpy as np
from deap import base, tools

from gondwana.nas.candidate import Json

if TYPE_CHECKING:
    from gondwana.nas.searches.pangaea.proposers import Member


class _Score(base.Fitness):  # type: ignore[misc]  # DEAP has no types
    """Fitness, then age: of equally fit functions the one that was asked for earlier is better."""

    weights = (1.0, -1.0)


class _Entry:
    """What DEAP's hall of fame works on: an object with a ``fitness``."""

    def __init__(self, candidate_id: int, text: str, fitness: float) -> None:
        self.candidate_id = candidate_id
        self.text = text
        self.fitness = _Score((fitness, candidate_id))


def hall_of_fame(results: Iterable[tuple[int, str, float]], size: int) -> list[int]:
    """Return the ids of the ``size`` fittest functions, best first; a function that was evaluated again counts once.

    Args:
        results: (candidate id, text, fitness), in the order of the ids.
        size: most ids to return.
    """
    hall = tools.HallOfFame(size, similar=lambda one, other: one.text == other.text)
    for result in results:
        hall.update([_Entry(*result)])
    return [entry.candidate_id for entry in hall]


class FunctionLog:
    """A logbook: for each complete generation, figures of the population as it was then."""

    def __init__(self) -> None:
        self._statistics = tools.MultiStatistics(
            fitness=tools.Statistics(lambda member: member.fitness),
            operators=tools.Statistics(lambda member: member.graph.size),
            factors=tools.Statistics(lambda member: member.graph.parameters),
        )
        for name, figure in (("min", np.min), ("median", np.median), ("mean", np.mean), ("max", np.max)):
            self._statistics.register(name, figure)
        self._logbook = tools.Logbook()

    def record(self, generation: int, population: Sequence[Member], **counts: int) -> None:
        """Add the line of a generation; without a population its figures are empty."""
        figures = (
            self._statistics.compile(population) if population else {name: {} for name in self._statistics}
        )
        self._logbook.record(generation=generation, population=len(population), **counts, **figures)

    def lines(self) -> list[Json]:
        """Return the lines as JSON, oldest first, with the figures of each subject under its name."""
        chapters = {name: self._logbook.chapters[name] for name in self._statistics}
        return [
            {**line, **{name: self._figures(name, chapter[number]) for name, chapter in chapters.items()}}
            for number, line in enumerate(self._logbook)
        ]

    def _figures(self, subject: str, row: Json) -> Json:
        return {name: float(row[name]) for name in self._statistics[subject].fields if name in row}
