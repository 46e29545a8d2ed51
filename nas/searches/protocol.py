"""What every search is: an object that is asked for candidates and told their outcomes.

A search knows nothing of Ray, files or clocks. It is built from a config and a seed, and its state is a function of
these and of the outcomes it was told: that is what makes a run resumable by replay. A generational search keeps the
outcomes of an unfinished generation until the last one is in and then works them off in the order of candidate ids, so
that the order of arrival changes nothing. A steady-state search may depend on the order of arrival, which the run's
journal records.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from gondwana.nas.candidate import Candidate, Json, Outcome


@dataclass(frozen=True, slots=True)
class Progress:
    """Progress of a search.

    Attributes:
        generation: generation under way, from 0.
        generations: number of generations wanted.
        told: outcomes told so far.
        total: best present estimate of the number of outcomes of the whole search (exact where it is known).
        best_fitness, mean_fitness: over all results told so far; None before the first.
        surrogate: cross-validated rank correlation of the model with which candidates are chosen; None without one.
    """

    generation: int
    generations: int
    told: int
    total: int
    best_fitness: float | None
    mean_fitness: float | None
    surrogate: float | None = None


class Search(Protocol):
    """A search that is asked for candidates and told their outcomes.

    The engine asks whenever it has room, evaluates what it gets in any order, and tells every outcome exactly once.
    """

    def ask(self, count: int) -> list[Candidate]:
        """Return up to ``count`` candidates that were not returned before; none while the search waits for outcomes."""
        ...

    def tell(self, outcome: Outcome) -> None:
        """Take in the outcome of a candidate that was asked for.

        Raises:
            ValueError: if the candidate was never asked for, or was told before.
        """
        ...

    @property
    def finished(self) -> bool:
        """True when every outcome is in and no candidate will follow."""
        ...

    def progress(self) -> Progress:
        """Return where the search stands."""
        ...

    def finalists(self) -> list[Candidate]:
        """Return the candidates, best first, that deserve the test split once the search is finished."""
        ...

    def snapshot(self) -> Json:
        """Return populations, species and counters as JSON, for the report and for comparing two runs."""
        ...
