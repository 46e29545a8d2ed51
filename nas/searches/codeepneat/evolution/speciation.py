"""Species: genomes that are alike compete with each other, so that new structures get time to become good.

A genome belongs to the nearest species whose representative is within the *threshold*. The threshold moves up or down
until the wanted number of species is reached, or as near to it as the population allows.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

from gondwana.nas.searches.codeepneat.genome.alignment import distance
from gondwana.nas.searches.codeepneat.genome.genome import Genome
from gondwana.nas.searches.codeepneat.genome.space import Alphabet

LOWEST, HIGHEST = 1e-3, 1.0
"""Bounds of the threshold. No distance exceeds 1, so at the upper one a single species is left."""

FIRST_FACTOR, LAST_FACTOR = 1.5, 1.002
"""The threshold is multiplied or divided by the first factor, by a smaller one after each change of direction, and
given up as soon as the factor is below the last."""

SCANNED = 2000
"""At most about twice as many thresholds are tried one by one where that finds none."""


@dataclass(frozen=True)
class Speciation:
    """A population divided into species.

    Attributes:
        members: positions in the population, by species id, in the order of the species' founding.
        representatives: the genome that stands for each species.
        threshold: distance up to which a genome belongs to a representative.
        founded: number of species founded so far; the next one gets this id.
        successors: for each species that is gone, the living one nearest to it.
    """

    members: Mapping[int, tuple[int, ...]] = field(default_factory=dict)
    representatives: Mapping[int, Genome] = field(default_factory=dict)
    threshold: float = 0.3
    founded: int = 0
    successors: Mapping[int, int] = field(default_factory=dict)


def speciate(
    population: Sequence[Genome],
    before: Speciation,
    alphabet: Alphabet,
    wanted: int,
    extinct: Collection[int] = (),
) -> Speciation:
    """Divide a population into ``wanted`` species, or as near to that as it can be divided.

    Species go on from ``before``: an old one keeps its id as long as genomes are near its representative. Where two old
    representatives are within the threshold of each other, the older species takes the younger one in. A species' new
    representative is the member nearest to the one before, so that a species moves as slowly as its members let it.

    Args:
        population: the genomes.
        before: the species of the generation before.
        alphabet: what genomes may contain.
        wanted: number of species to reach.
        extinct: ids of species that do not go on.
    """
    old = tuple(before.representatives)
    leaders = [leader for leader, species in enumerate(old) if species not in extinct]
    clustering = _Clustering((*before.representatives.values(), *population), len(old), leaders, alphabet)
    threshold = clustering.fitting_threshold(before.threshold, wanted)
    members: dict[int, tuple[int, ...]] = {}
    places: dict[int, int] = {}
    founded = before.founded
    for leader, points in sorted(clustering.groups(threshold).items()):
        species = old[leader] if leader < len(old) else founded
        founded += leader >= len(old)
        members[species] = tuple(point - len(old) for point in points)
        places[species] = clustering.nearest(leader, {point: point for point in points})
    gone = [(leader, species) for leader, species in enumerate(old) if species not in members]
    successors = {species: clustering.nearest(leader, places) for leader, species in gone}
    return Speciation(
        members=members,
        representatives={species: population[place - len(old)] for species, place in places.items()},
        threshold=threshold,
        founded=founded,
        successors=updated_successors(before.successors, successors),
    )


def updated_successors(before: Mapping[int, int], now: Mapping[int, int]) -> dict[int, int]:
    """Return the living heirs of all species that are gone, those that are gone only ``now`` included."""
    return {gone: now.get(heir, heir) for gone, heir in before.items()} | dict(now)


class _Clustering:
    """Points (old representatives first, then the population), and their distances, each computed once."""

    def __init__(
        self, points: Sequence[Genome], old: int, leaders: Sequence[int], alphabet: Alphabet
    ) -> None:
        self._points = points
        self._old = old
        self._leaders = leaders
        self._alphabet = alphabet
        self._known: dict[tuple[int, int], float] = {}

    def distance(self, one: int, two: int) -> float:
        pair = (min(one, two), max(one, two))
        if pair not in self._known:
            self._known[pair] = distance(self._points[pair[0]], self._points[pair[1]], self._alphabet)
        return self._known[pair]

    def nearest(self, point: int, places: Mapping[int, int]) -> int:
        """Return the key of the place nearest to ``point``, the first of equals."""
        return min(places, key=lambda key: (self.distance(point, places[key]), key))

    def groups(self, threshold: float) -> dict[int, tuple[int, ...]]:
        """Return the members of each group by the point that leads it; groups without members are left out."""
        leaders: list[int] = []
        for point in self._leaders:
            if all(self.distance(point, leader) > threshold for leader in leaders):
                leaders.append(point)
        groups: dict[int, list[int]] = {leader: [] for leader in leaders}
        for point in range(self._old, len(self._points)):
            nearest = self.nearest(point, {leader: leader for leader in groups}) if groups else point
            if self.distance(point, nearest) > threshold:
                nearest = point
            groups.setdefault(nearest, []).append(point)
        return {leader: tuple(members) for leader, members in groups.items() if members}

    def fitting_threshold(self, start: float, wanted: int) -> float:
        """Return a threshold with as nearly as possible ``wanted`` groups, by steps up and down from ``start``."""
        threshold, factor, direction = start, FIRST_FACTOR, 0
        best = (abs(len(self.groups(start)) - wanted), start)
        while best[0] > 0 and factor > LAST_FACTOR:
            turn = 1 if len(self.groups(threshold)) > wanted else -1
            if turn == -direction:
                factor **= 0.5
            direction = turn
            moved = min(HIGHEST, max(LOWEST, threshold * factor**turn))
            if moved == threshold:
                break
            threshold = moved
            best = min(
                best, (abs(len(self.groups(threshold)) - wanted), threshold), key=lambda found: found[0]
            )
        return best[1] if best[0] == 0 else self._scanned_threshold(best, start, wanted)

    def _scanned_threshold(self, best: tuple[int, float], start: float, wanted: int) -> float:
        """Return the best threshold among those where groups can change, the nearest to ``start`` of equals.

        The number of groups is not monotone in the threshold, so steps can miss a narrow interval that has it.
        """
        distances = sorted(set(self._known.values()) | {HIGHEST})
        tried = distances[:: max(1, len(distances) // SCANNED)]
        found = [(abs(len(self.groups(value)) - wanted), abs(value - start), value) for value in tried]
        return min((best[0], abs(best[1] - start), best[1]), *found)[2]
