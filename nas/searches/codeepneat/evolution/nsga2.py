"""Ranking by one objective or by several (NSGA-II; Deb et al. 2002), with DEAP's deterministic pieces."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from deap import base, tools
from deap.benchmarks.tools import hypervolume

from gondwana.nas.searches.codeepneat.evolution.population import Fitness


@dataclass(slots=True)
class _Point:
    """What DEAP's operators work on: an object with a ``fitness``."""

    position: int
    fitness: Any


def _points(fitnesses: Sequence[Fitness]) -> list[_Point]:
    kind = type("Objectives", (base.Fitness,), {"weights": (1.0,) * len(fitnesses[0])})
    return [_Point(position, kind(values)) for position, values in enumerate(fitnesses)]


def ranks(fitnesses: Sequence[Fitness]) -> list[float]:
    """Return for each fitness its rank from the worst, divided by their number: 1 is the best.

    With several objectives non-dominated fronts are ranked, and inside a front the crowding distance. Equal fitnesses
    share the mean of their ranks.
    """
    if not fitnesses:
        return []
    keys = [(values[0], 0.0) for values in fitnesses] if len(fitnesses[0]) == 1 else _front_keys(fitnesses)
    placed: dict[Fitness, list[int]] = {}
    for rank, position in enumerate(sorted(range(len(keys)), key=lambda i: (keys[i], i)), start=1):
        placed.setdefault(fitnesses[position], []).append(rank)
    return [sum(placed[values]) / len(placed[values]) / len(fitnesses) for values in fitnesses]


def best(fitnesses: Sequence[Fitness], count: int) -> list[int]:
    """Return the positions of the ``count`` best, best first; of equal ones the earlier."""
    if not fitnesses:
        return []
    if len(fitnesses[0]) == 1:
        return sorted(range(len(fitnesses)), key=lambda i: (-fitnesses[i][0], i))[:count]
    chosen = tools.selNSGA2(_points(fitnesses), min(count, len(fitnesses)))
    return sorted((point.position for point in chosen), key=lambda i: (tuple(-f for f in fitnesses[i]), i))


def front(fitnesses: Sequence[Fitness]) -> list[int]:
    """Return the positions of the fitnesses that no other dominates."""
    if not fitnesses:
        return []
    points = tools.sortNondominated(_points(fitnesses), len(fitnesses), first_front_only=True)[0]
    return sorted(point.position for point in points)


class FrontSoFar:
    """The Pareto front of all networks so far, and how much of the space of objectives it dominates.

    Args:
        chance: fitness that guessing has: the reference of the first objective.
    """

    def __init__(self, chance: float) -> None:
        self._chance = chance
        self._costs: tuple[float, ...] = ()
        """Largest costs in the first generation: the reference of the other objectives, and what they are measured
        in."""
        self._front: list[Fitness] = []

    def add(self, fitnesses: Sequence[Fitness]) -> float:
        """Take in the networks of a generation; return the hypervolume (Zitzler and Thiele 1999) of the front.

        It is 1 for a network of fitness 1 above chance that costs nothing, and never falls. Networks that are worse
        than the reference in an objective add nothing.
        """
        if not self._costs and fitnesses:
            self._costs = tuple(max(-values[i] for values in fitnesses) for i in range(1, len(fitnesses[0])))
        candidates = [*self._front, *fitnesses]
        self._front = [candidates[place] for place in front(candidates)]
        scaled = [
            (values[0] - self._chance, *(1 + v / c for v, c in zip(values[1:], self._costs, strict=True)))
            for values in self._front
            if all(self._costs)
        ]
        inside = [point for point in scaled if min(point) > 0]
        return float(hypervolume(_points(inside), [0.0] * len(inside[0]))) if inside else 0.0


def _front_keys(fitnesses: Sequence[Fitness]) -> list[tuple[float, float]]:
    keys = [(0.0, 0.0)] * len(fitnesses)
    for number, points in enumerate(tools.sortNondominated(_points(fitnesses), len(fitnesses))):
        tools.emo.assignCrowdingDist(points)
        for point in points:
            keys[point.position] = (-float(number), float(point.fitness.crowding_dist))
    return keys
