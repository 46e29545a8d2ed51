"""Successive halving: all networks are trained a little, the better ones of them further.

A *rung* is a number of epochs after which networks are compared, those of a generation when all are there (Jamieson and
Talwalkar 2016), or without generations those that are there (Li et al. 2020). Only networks that were
trained equally long are compared with each other, in who goes on and in what their components are credited with.
"""

from __future__ import annotations

import math
from bisect import insort
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from gondwana.nas.candidate import Candidate, Outcome, State


@dataclass(frozen=True, slots=True)
class Step:
    """A network on one rung: the candidate that was trained that far, and its outcome."""

    candidate: Candidate
    outcome: Outcome


class Ladder:
    """The networks of one generation on their way up.

    Args:
        rungs: number of rungs, at least 1.
        keep: share of the networks of a rung that goes on to the next.
        least: fitness that a network must exceed to go on: what guessing reaches, with a margin.
    """

    def __init__(self, rungs: int, keep: float, least: float) -> None:
        self._rungs, self._keep, self._least = rungs, keep, least
        self.levels: list[dict[int, Step]] = []
        """Networks by number, rung by rung; those of a rung are among those of the one below."""

    def add(self, level: Mapping[int, Step]) -> list[int]:
        """Take in all networks of the next rung; return those that go on, in ascending order.

        Of the networks trained on this rung as many go on as the share says, at least one, in the order of their
        fitness, the earlier of equals first. A network that repeats one of before is passed along for nothing if it is
        better than the last of them. None goes on that failed or is no better than guessing.
        """
        self.levels.append(dict(level))
        if len(self.levels) == self._rungs:
            return []
        new = {number for number, step in level.items() if step.outcome.state is not State.DUPLICATE}
        places = max(1, math.floor(self._keep * len(new) + 0.5))
        ranked = sorted(
            (-step.outcome.fitness, number)
            for number, step in level.items()
            if step.outcome.fitness is not None and step.outcome.fitness > self._least
        )
        return sorted(_chosen((number for _, number in ranked), new, places))

    def reached(self, number: int) -> tuple[int, Step]:
        """Return the highest rung of a network, from 0, and its step there."""
        rung = max(rung for rung, level in enumerate(self.levels) if number in level)
        return rung, self.levels[rung][number]

    def credits(self) -> dict[int, float | None]:
        """Return what each network's components are credited with; None for one that failed on any rung.

        It is the fitness on the lowest rung, which all networks have and which is on one scale in all generations.
        Those that reached a higher rung exchange these figures among each other, so that their order is that of the
        higher rung; equal ones share.
        """
        return credits_of(self.levels)


class OpenLadder:
    """All networks of a search without generations, on their way up: whoever is among the best so far goes on.

    Arguments as of :class:`Ladder`. Networks are numbered by their candidates on the lowest rung.
    """

    def __init__(self, rungs: int, keep: float, least: float) -> None:
        self._keep, self._least = keep, least
        self.levels: list[dict[int, Step]] = [{} for _ in range(rungs)]
        self._ranked: list[list[tuple[float, int]]] = [[] for _ in range(rungs)]
        """Negative fitness and number of those who are better than guessing, best first."""
        self._new: list[set[int]] = [set() for _ in range(rungs)]
        """Those who repeat no earlier network."""
        self._gone: list[set[int]] = [set() for _ in range(rungs)]
        """Those who went on."""

    def add(self, number: int, rung: int, step: Step) -> None:
        """Take in a network on a rung."""
        self.levels[rung][number] = step
        if step.outcome.state is not State.DUPLICATE:
            self._new[rung].add(number)
        if step.outcome.fitness is not None and step.outcome.fitness > self._least:
            insort(self._ranked[rung], (-step.outcome.fitness, number))

    def next(self, *, last: bool = False) -> tuple[int, int] | None:
        """Return a network and the rung from which it may go on, the highest such rung first; None if there is none.

        Of a rung's networks the share ``keep`` may go on, rounded down; when nothing else will come (``last``), at
        least one. One that repeats an earlier network takes nobody's place.
        """
        for rung in reversed(range(len(self.levels) - 1)):
            new, gone = self._new[rung], self._gone[rung]
            places = max(int(last and bool(new)), math.floor(self._keep * len(new)))
            for number in _chosen((number for _, number in self._ranked[rung]), new, places):
                if number not in gone:
                    return number, rung
        return None

    def promote(self, number: int, rung: int) -> None:
        """Let a network go on from a rung."""
        self._gone[rung].add(number)

    def credits(self, numbers: Collection[int]) -> dict[int, float | None]:
        """Return :meth:`Ladder.credits` among these networks."""
        return credits_of([{n: level[n] for n in numbers if n in level} for level in self.levels])


def _chosen(ranked: Iterable[int], new: Collection[int], places: int) -> Iterator[int]:
    """Yield the best, best first: ``places`` of those that are ``new``, and others on the way."""
    for number in ranked:
        if number in new:
            if not places:
                return
            places -= 1
        yield number


def credits_of(levels: Sequence[Mapping[int, Step]]) -> dict[int, float | None]:
    """Return what :meth:`Ladder.credits` says, of networks rung by rung."""
    lowest = {number: step.outcome.fitness for number, step in levels[0].items()}
    failed = {n for level in levels for n, step in level.items() if step.outcome.fitness is None}
    found = {number: value for number, value in lowest.items() if value is not None}
    for level in levels[1:]:
        known = {n: step.outcome.fitness for n, step in level.items() if step.outcome.fitness is not None}
        found |= _exchanged({number: found[number] for number in known}, known)
    return {number: None if number in failed else found[number] for number in lowest}


def promotions(networks: int, rungs: int, keep: float) -> list[int]:
    """Return how many of ``networks`` reach each of the rungs, if none of them fails or repeats another."""
    counts = [networks]
    for _ in range(rungs - 1):
        counts.append(max(1, math.floor(keep * counts[-1] + 0.5)))
    return counts


def _exchanged(values: Mapping[int, float], by: Mapping[int, float]) -> dict[int, float]:
    """Return ``values`` dealt anew in the order of ``by``; the mean of them to equal ones."""
    order = sorted(by, key=lambda number: (-by[number], number))
    dealt = sorted(values.values(), reverse=True)
    groups: dict[float, list[float]] = {}
    for number, value in zip(order, dealt, strict=True):
        groups.setdefault(by[number], []).append(value)
    return {number: _mean(groups[by[number]]) for number in order}


def _mean(values: Sequence[float]) -> float:
    return values[0] if len(values) == 1 else math.fsum(values) / len(values)
