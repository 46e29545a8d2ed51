"""Species that last: for populations so small that a threshold splits and merges species all the time.

There is no threshold. A genome belongs to the species whose representative is nearest, however far that is, and a
species goes on as long as a genome is nearest to it. A new one is founded only where a place is free, because one died
out or nobody is near it any more, or around a genome that is farther from every representative than the two nearest of
them are from each other; these two species become one then, and all are as far apart as can be. New species begin with
the genome farthest from all (Gonzalez 1985).
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from itertools import combinations

from gondwana.nas.searches.codeepneat.evolution.speciation import Speciation, updated_successors
from gondwana.nas.searches.codeepneat.genome.alignment import distance
from gondwana.nas.searches.codeepneat.genome.genome import Genome
from gondwana.nas.searches.codeepneat.genome.space import Alphabet


def lasting_species(
    population: Sequence[Genome],
    before: Speciation,
    alphabet: Alphabet,
    wanted: int,
    extinct: Collection[int] = (),
) -> Speciation:
    """Divide a population into the species of the generation before, and as many new ones as places are free.

    Args:
        population: the genomes.
        before: the species of the generation before; its threshold is kept and not used.
        alphabet: what genomes may contain.
        wanted: number of species; fewer if there are fewer different genomes.
        extinct: ids of species that do not go on.
    """
    division = _Division(population, alphabet)
    for species, genome in before.representatives.items():
        if species not in extinct:
            division.lead(species, genome)
    founded = before.founded
    division.assign()
    for turn in range(wanted + 1):
        place, far = division.farthest()
        free = len(division.leaders) < wanted
        if far == 0.0 or not (free or (turn == 0 and far > division.narrowest())):
            break
        if not free:
            division.merge_nearest()
        division.lead(founded, population[place])
        founded += 1
        division.assign()
    members = division.members
    return replace(
        before,
        members=members,
        representatives={name: population[division.central(name)] for name in members},
        founded=founded,
        successors=updated_successors(
            before.successors,
            {
                name: division.nearest(genome)
                for name, genome in before.representatives.items()
                if name not in members
            },
        ),
    )


class _Division:
    """A population under division: who leads a species, and who belongs to it."""

    def __init__(self, population: Sequence[Genome], alphabet: Alphabet) -> None:
        self._population, self._alphabet = population, alphabet
        self.leaders: dict[int, Genome] = {}
        self.members: dict[int, tuple[int, ...]] = {}
        self._distances: dict[int, list[float]] = {}
        """Of each genome from the leader, by species."""

    def lead(self, species: int, leader: Genome) -> None:
        """Let a genome lead a species."""
        self.leaders[species] = leader
        self._distances[species] = [distance(each, leader, self._alphabet) for each in self._population]

    def assign(self) -> None:
        """Let everybody belong to the nearest leader, the older of equals; who leads nobody is gone."""
        members: dict[int, list[int]] = {}
        for place in range(len(self._population)):
            if self.leaders:
                members.setdefault(self._home(place), []).append(place)
        self.members = {name: tuple(members[name]) for name in sorted(members)}
        self.leaders = {name: self.leaders[name] for name in self.members}

    def farthest(self) -> tuple[int, float]:
        """Return the genome farthest from its leader, the first of equals, and how far; infinitely without leaders."""
        if not self.leaders:
            return 0, math.inf
        distances = [self._distances[self._home(place)][place] for place in range(len(self._population))]
        far = max(distances)
        return distances.index(far), far

    def narrowest(self) -> float:
        """Return the smallest distance of two leaders; infinity if there are not two."""
        return min(self._pairs().values(), default=math.inf)

    def merge_nearest(self) -> None:
        """Let the younger of the two species with the nearest leaders be gone."""
        pairs = self._pairs()
        _, younger = min(pairs, key=lambda pair: (pairs[pair], pair))
        del self.leaders[younger]

    def central(self, species: int) -> int:
        """Return the place of the member nearest to the leader."""
        return min(self.members[species], key=lambda place: (self._distances[species][place], place))

    def nearest(self, genome: Genome) -> int:
        """Return the living species whose leader is nearest to a genome."""
        return min(
            self.leaders, key=lambda name: (distance(genome, self.leaders[name], self._alphabet), name)
        )

    def _home(self, place: int) -> int:
        return min(self.leaders, key=lambda name: (self._distances[name][place], name))

    def _pairs(self) -> Mapping[tuple[int, int], float]:
        return {
            (one, two): distance(self.leaders[one], self.leaders[two], self._alphabet)
            for one, two in combinations(sorted(self.leaders), 2)
        }
