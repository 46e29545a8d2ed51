"""Replacement: one offspring at a time, for the search that does not wait for a generation to be complete.

The real-time NEAT of Stanley, Bryant and Miikkulainen (2005) on populations of blueprints and modules. Species move
towards the same shares that a generation would give them: an offspring is born into the species furthest below its
share, and the individual that makes room for it leaves the one furthest above.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace
from functools import partial

import numpy as np

from gondwana.nas.searches.codeepneat.evolution.population import Individual, Population
from gondwana.nas.searches.codeepneat.evolution.reproduction import (
    Birth,
    Policy,
    at_once,
    offspring,
    random_individual,
)
from gondwana.nas.searches.codeepneat.evolution.selection import (
    best_first,
    elite_count,
    shares,
    standings,
    surviving_species,
)
from gondwana.nas.searches.codeepneat.genome.space import Alphabet


def replaced(
    population: Population,
    policy: Policy,
    alphabet: Alphabet,
    generation: int,
    rng: np.random.Generator,
    protected: Collection[int] = (),
    birth: Birth = at_once,
) -> Population:
    """Return the population with one offspring in the place of an individual.

    Who makes room has been evaluated, is neither protected nor of the elite nor the last of its species, and is the
    worst of these in its species. Without such an individual the population stays as it is. The offspring belongs to
    the species of its parents until species are formed anew.

    Args:
        population: with the fitness known so far; it stays as it is.
        policy: how to select and vary.
        alphabet: what genomes may contain.
        generation: in which the offspring is born.
        rng: source of all choices.
        protected: ids of individuals whose time has not come.
        birth: how the offspring comes about, from what makes one.
    """
    standing = standings(population.individuals)
    species = population.species()
    breeding = surviving_species(species, population.records, standing, generation, policy.stagnation)
    wanted = dict.fromkeys(species, 0) | shares(breeding, standing, policy.size)
    ranked = {name: best_first(members, standing) for name, members in species.items()}
    mortal = {
        name: [each for each in _mortal(members, policy, wanted[name]) if each.id not in protected]
        for name, members in ranked.items()
    }
    surplus = {name: len(species[name]) - wanted[name] for name, members in mortal.items() if members}
    if not surplus:
        return population
    loser = _furthest(surplus, {name: len(members) for name, members in mortal.items()}, rng)
    victim = mortal[loser][-1]
    lacking = {name: wanted[name] - len(species[name]) + (name == loser) for name in breeding}
    home = _furthest(lacking, dict.fromkeys(lacking, 1), rng)
    parents = [each for each in ranked[home] if each.id != victim.id]
    make = partial(offspring, parents, standing, policy, alphabet, population.counted, generation, rng)
    child = birth(make, home, rng)
    return _exchanged(population, victim, child, home)


def redrawn(
    population: Population,
    policy: Policy,
    alphabet: Alphabet,
    generation: int,
    rng: np.random.Generator,
    protected: Collection[int] = (),
    birth: Birth = at_once,
) -> Population:
    """Return the population with a random individual in the place of the oldest evaluated one: random search.

    Arguments as of :func:`replaced`. The protected and the last of a species stay.
    """
    several = {
        each.id: name
        for name, members in population.species().items()
        if len(members) > 1
        for each in members
    }
    known = [each for each in population.individuals if each.fitness is not None]
    old = [each for each in known if each.id in several and each.id not in protected]
    if not old:
        return population
    victim = min(old, key=lambda each: each.id)
    number = population.counted
    make = partial(random_individual, number, number, policy, alphabet, generation, rng)
    home = several[victim.id]
    return _exchanged(population, victim, birth(make, home, rng), home)


def _mortal(ranked: list[Individual], policy: Policy, wanted: int) -> list[Individual]:
    """Return who of a species, best first, may make room."""
    kept = max(1, elite_count(policy.elitism, len(ranked), wanted))
    return [each for each in ranked[kept:] if each.fitness is not None]


def _furthest(distances: Mapping[int, int], weights: Mapping[int, int], rng: np.random.Generator) -> int:
    """Return the species of largest distance; of equal ones, one drawn in proportion to the weights."""
    most = max(distances.values())
    equal = sorted(name for name, distance in distances.items() if distance == most)
    odds = np.array([weights[name] for name in equal], float)
    return equal[int(rng.choice(len(equal), p=odds / odds.sum()))]


def _exchanged(population: Population, victim: Individual, child: Individual, home: int) -> Population:
    """Put ``child`` into the place of ``victim`` and into the species ``home``."""
    place = next(i for i, each in enumerate(population.individuals) if each.id == victim.id)
    individuals = (*population.individuals[:place], child, *population.individuals[place + 1 :])
    members = {
        name: tuple(sorted({*places} - {place} | ({place} if name == home else set())))
        for name, places in population.speciation.members.items()
    }
    return replace(
        population,
        individuals=individuals,
        speciation=replace(population.speciation, members=members),
        counted=population.counted + 1,
    )
