"""Best and mean of the fitnesses told so far, at the same cost for the first outcome and the hundred-thousandth."""

from __future__ import annotations

import math

from gondwana.nas.candidate import Outcome


class BestSoFar:
    """Counts outcomes and keeps the best and the mean fitness of the results among them.

    The sum is exact (a list of non-overlapping partial sums, Shewchuk 1997), so the mean does not depend on the order
    in which outcomes arrive.
    """

    def __init__(self) -> None:
        self.told = 0
        """Outcomes added, failures included."""
        self.best: float | None = None
        """Largest fitness; None before the first result."""
        self._results = 0
        self._partials: list[float] = []

    def add(self, outcome: Outcome) -> None:
        """Take in an outcome."""
        self.told += 1
        if outcome.fitness is None:
            return
        self._results += 1
        self.best = outcome.fitness if self.best is None else max(self.best, outcome.fitness)
        rest = outcome.fitness
        kept = []
        for partial in self._partials:
            larger, smaller = (rest, partial) if abs(rest) >= abs(partial) else (partial, rest)
            rest = larger + smaller
            lost = smaller - (rest - larger)
            if lost:
                kept.append(lost)
        self._partials = [*kept, rest]

    @property
    def mean(self) -> float | None:
        """Mean fitness of the results; None before the first."""
        return math.fsum(self._partials) / self._results if self._results else None
