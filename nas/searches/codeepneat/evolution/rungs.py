"""Successive halving: all networks of a generation are trained a little, the better ones of them further.

A *rung* is a number of epochs after which networks are compared (Jamieson and Talwalkar 2016). Only networks that were
trained equally long are compared with each other, in who goes on and in what their components are credited with.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
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
        fitness = {number: step.outcome.fitness for number, step in level.items()}
        hopeful = [number for number, value in fitness.items() if value is not None and value > self._least]
        new = {number for number, step in level.items() if step.outcome.state is not State.DUPLICATE}
        places = max(1, math.floor(self._keep * len(new) + 0.5))
        chosen: list[int] = []
        for number in sorted(hopeful, key=lambda each: (-(fitness[each] or 0.0), each)):
            if number in new:
                if not places:
                    break
                places -= 1
            chosen.append(number)
        return sorted(chosen)

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
        lowest = {number: step.outcome.fitness for number, step in self.levels[0].items()}
        failed = {
            number for level in self.levels for number, step in level.items() if step.outcome.fitness is None
        }
        found = {number: value for number, value in lowest.items() if value is not None}
        for level in self.levels[1:]:
            exchanged = {
                number: step.outcome.fitness
                for number, step in level.items()
                if step.outcome.fitness is not None
            }
            found |= _exchanged({number: found[number] for number in exchanged}, exchanged)
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
