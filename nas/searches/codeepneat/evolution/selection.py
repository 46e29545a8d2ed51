"""Selection: who is good, who survives, and how many places a species has in the next generation.

All of it works on *standings*, ranks scaled to (0, 1]. They make fitness sharing independent of the metric's scale and
sign, and leave no difference between one objective and several.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from gondwana.nas.searches.codeepneat.evolution.nsga2 import ranks
from gondwana.nas.searches.codeepneat.evolution.population import Individual, Record

UNKNOWN = 0.5
"""Standing of an individual that has not taken part in any network yet."""


def standings(individuals: Sequence[Individual]) -> dict[int, float]:
    """Return the standing of each individual by its id; the best have the highest."""
    known = [
        (individual.id, individual.fitness) for individual in individuals if individual.fitness is not None
    ]
    found = dict(zip((each for each, _ in known), ranks([fitness for _, fitness in known]), strict=True))
    return {individual.id: found.get(individual.id, UNKNOWN) for individual in individuals}


def best_first(individuals: Sequence[Individual], standing: Mapping[int, float]) -> list[Individual]:
    """Return individuals by standing, the younger of equals first, so that equals replace each other."""
    return sorted(individuals, key=lambda each: (-standing[each.id], -each.id))


def updated_records(
    records: Mapping[int, Record], species: Mapping[int, Sequence[Individual]], generation: int
) -> dict[int, Record]:
    """Return the records of the living species after ``generation``."""
    updated: dict[int, Record] = {}
    for name, members in species.items():
        values = [member.fitness[0] for member in members if member.fitness is not None]
        before = records.get(name)
        now = max(values, default=-math.inf)
        if before is None or now > before.best:
            updated[name] = Record(now, generation)
        else:
            updated[name] = before
    return updated


def surviving_species(
    species: Mapping[int, Sequence[Individual]],
    records: Mapping[int, Record],
    standing: Mapping[int, float],
    generation: int,
    patience: int,
) -> dict[int, tuple[Individual, ...]]:
    """Return the species that have offspring: those that reached a new best in the last ``patience`` generations, and
    in any case the one with the best individual."""
    leader = max(species, key=lambda name: (max(standing[member.id] for member in species[name]), -name))
    return {
        name: tuple(members)
        for name, members in species.items()
        if name == leader or name not in records or generation - records[name].since < patience
    }


def shares(
    species: Mapping[int, Sequence[Individual]], standing: Mapping[int, float], places: int
) -> dict[int, int]:
    """Divide ``places`` among species in proportion to the mean standing of their members (explicit fitness sharing).

    Each species gets at least one place; if there are more species than places, the best get one.
    """
    weights = {
        name: math.fsum(standing[m.id] for m in members) / len(members) for name, members in species.items()
    }
    if len(weights) >= places:
        chosen = sorted(weights, key=lambda name: (-weights[name], name))[:places]
        return {name: int(name in chosen) for name in weights}
    free, total = places - len(weights), math.fsum(weights.values())
    exact = {name: free * weight / total for name, weight in weights.items()}
    whole = {name: 1 + math.floor(part) for name, part in exact.items()}
    rest = places - sum(whole.values())
    by_remainder = sorted(exact, key=lambda name: (math.floor(exact[name]) - exact[name], name))
    return {name: count + (name in by_remainder[:rest]) for name, count in whole.items()}


def elite_count(elitism: float, members: int, places: int) -> int:
    """Return how many members of a species survive unchanged: the share ``elitism`` of them, rounded, at least one
    if it is not 0, and never more than the species has members or places."""
    wanted = max(1, math.floor(elitism * members + 0.5)) if elitism > 0 else 0
    return min(wanted, members, places)
