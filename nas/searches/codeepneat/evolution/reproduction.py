"""Reproduction: the next generation of one population, from the present one and its fitness."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Literal

import numpy as np

from gondwana.nas.searches.codeepneat.evolution.crossover import crossover
from gondwana.nas.searches.codeepneat.evolution.lasting_species import lasting_species
from gondwana.nas.searches.codeepneat.evolution.mutation import Rates, initial_genome, mutate
from gondwana.nas.searches.codeepneat.evolution.population import Individual, Population
from gondwana.nas.searches.codeepneat.evolution.selection import (
    best_first,
    elite_count,
    shares,
    standings,
    surviving_species,
    updated_records,
)
from gondwana.nas.searches.codeepneat.evolution.speciation import Speciation, speciate
from gondwana.nas.searches.codeepneat.genome.genome import Genome, Node
from gondwana.nas.searches.codeepneat.genome.space import SPECIES, Alphabet

SpeciationRule = Literal["threshold", "lasting"]
"""``threshold``: species are formed anew around old representatives. ``lasting``: old ones go on, new ones are rare."""

Birth = Callable[[Callable[[], Individual], int, np.random.Generator], Individual]
"""Given what makes an offspring, the species it is for and a source of choices: the offspring that is born."""


def at_once(make: Callable[[], Individual], species: int, rng: np.random.Generator) -> Individual:
    """The birth of an evolution without a surrogate: the first offspring that is made is born."""
    return make()


_RULES = {"threshold": speciate, "lasting": lasting_species}


@dataclass(frozen=True, slots=True)
class Policy:
    """How one population evolves.

    Attributes:
        size: number of individuals.
        species: wanted number of species.
        elitism: share of each species that survives unchanged.
        parents: share of each species, the best of it, that has offspring.
        crossover: probability that an offspring has two parents.
        stagnation: generations without a new best after which a species dies out.
        random_immigrants: probability that an offspring has no parents but is drawn anew.
        rates: mutation probabilities.
        initial_sizes: smallest and largest number of nodes of an initial genome.
        speciation: how species go on from one generation to the next; the first ones are formed by a threshold.
    """

    size: int
    species: int
    elitism: float
    parents: float
    crossover: float
    stagnation: int
    random_immigrants: float
    rates: Rates
    initial_sizes: tuple[int, int]
    speciation: SpeciationRule = "threshold"


def random_population(
    population: Population,
    policy: Policy,
    alphabet: Alphabet,
    generation: int,
    rng: np.random.Generator,
    birth: Birth = at_once,
) -> Population:
    """Return a population that owes nothing to the one before: random search in the same space.

    Each genome is a random initial one with as many mutations as generations have passed, or fewer: their number is
    uniform in 0 .. ``generation``, so that sizes are those that evolution can have reached by then.

    Args:
        population: the generation before; only its count of individuals and its species' ids go on.
        policy: sizes and mutation probabilities.
        alphabet: what genomes may contain.
        generation: number of the generation that is made.
        rng: source of all choices.
        birth: how an individual comes about, from what draws one.
    """
    individuals = [
        birth(
            partial(random_individual, population.counted + place, place, policy, alphabet, generation, rng),
            min(population.speciation.members),
            rng,
        )
        for place in range(policy.size)
    ]
    genomes = [individual.genome for individual in individuals]
    speciation = _RULES[policy.speciation](genomes, population.speciation, alphabet, policy.species, ())
    return Population(tuple(individuals), speciation, counted=population.counted + policy.size)


def random_individual(
    number: int, place: int, policy: Policy, alphabet: Alphabet, generation: int, rng: np.random.Generator
) -> Individual:
    """Return one member of a :func:`random_population`: ``number`` is its id, ``place`` decides its initial size."""
    low, high = policy.initial_sizes
    genome = initial_genome(alphabet, min(alphabet.max_nodes, low + place % (high - low + 1)), rng)
    for _ in range(int(rng.integers(generation + 1))):
        genome, _ = mutate(genome, alphabet, policy.rates, 0, rng)
    return Individual(number, genome, born=generation)


def initial_population(policy: Policy, alphabet: Alphabet, rng: np.random.Generator) -> Population:
    """Return random chains, their sizes spread evenly over ``policy.initial_sizes``."""
    low, high = policy.initial_sizes
    genomes = [
        initial_genome(alphabet, min(alphabet.max_nodes, low + number % (high - low + 1)), rng)
        for number in range(policy.size)
    ]
    individuals = tuple(Individual(number, genome, born=0) for number, genome in enumerate(genomes))
    return Population(
        individuals, speciate(genomes, Speciation(), alphabet, policy.species), counted=policy.size
    )


def next_population(
    population: Population,
    policy: Policy,
    alphabet: Alphabet,
    generation: int,
    rng: np.random.Generator,
    birth: Birth = at_once,
) -> Population:
    """Return the population of ``generation`` that follows from the evaluated ``population``.

    While species are formed anew, each is represented by the best of its former members. With elitism that one
    survives, and with it the species, unless an older one absorbs it or it dies out.

    Args:
        population: the generation before, fitness included; it stays as it is.
        policy: how to select and vary.
        alphabet: what genomes may contain.
        generation: number of the generation that is made.
        rng: source of all choices.
        birth: how an offspring comes about, from what makes one.
    """
    standing = standings(population.individuals)
    species = population.species()
    records = updated_records(population.records, species, generation - 1)
    breeding = surviving_species(species, records, standing, generation - 1, policy.stagnation)
    individuals: list[Individual] = []
    counted = population.counted
    for name, places in sorted(shares(breeding, standing, policy.size).items()):
        members = best_first(breeding[name], standing)
        elite = members[: elite_count(policy.elitism, len(members), places)]
        individuals += elite
        for _ in range(places - len(elite)):
            make = partial(offspring, members, standing, policy, alphabet, counted, generation, rng)
            individuals.append(birth(make, name, rng))
            counted += 1
    speciation = _following_species(population, individuals, standing, breeding, policy, alphabet)
    alive = {name: record for name, record in records.items() if name in speciation.members}
    return Population(tuple(individuals), speciation, alive, counted)


def regrouped(population: Population, policy: Policy, alphabet: Alphabet, generation: int) -> Population:
    """Return the same individuals in the species that :func:`next_population` would form of them.

    Args:
        population: as it is at the end of ``generation``.
        policy: wanted number of species, and after how long without a new best one dies out.
        alphabet: what genomes may contain.
        generation: number of the generation that ends.
    """
    standing = standings(population.individuals)
    species = population.species()
    records = updated_records(population.records, species, generation)
    breeding = surviving_species(species, records, standing, generation, policy.stagnation)
    speciation = _following_species(population, population.individuals, standing, breeding, policy, alphabet)
    alive = {name: record for name, record in records.items() if name in speciation.members}
    return replace(population, speciation=speciation, records=alive)


def _following_species(
    population: Population,
    individuals: Sequence[Individual],
    standing: Mapping[int, float],
    breeding: Collection[int],
    policy: Policy,
    alphabet: Alphabet,
) -> Speciation:
    """Divide ``individuals`` into species that go on from those of ``population``, of which ``breeding`` survive."""
    species = population.species()
    best = {name: best_first(members, standing)[0].genome for name, members in species.items()}
    extinct = [name for name in species if name not in breeding]
    before = replace(population.speciation, representatives=best)
    genomes = [individual.genome for individual in individuals]
    return _RULES[policy.speciation](genomes, before, alphabet, policy.species, extinct)


def repointed(blueprints: Population, successors: Mapping[int, int]) -> Population:
    """Return blueprints whose nodes point to living module species only.

    A blueprint that pointed to a species that is gone becomes a new individual, which keeps the fitness.

    Args:
        blueprints: population of blueprints.
        successors: the living species that took the place of each one that is gone.
    """
    individuals, counted = [], blueprints.counted
    for individual in blueprints.individuals:
        genome = _repointed(individual.genome, successors)
        if genome != individual.genome:
            parents = (individual.id,)
            individual = replace(
                individual, id=counted, genome=genome, parents=parents, operators=("repoint",)
            )
            counted += 1
        individuals.append(individual)
    old = blueprints.speciation
    representatives = {name: _repointed(genome, successors) for name, genome in old.representatives.items()}
    speciation = replace(old, representatives=representatives)
    return replace(blueprints, individuals=tuple(individuals), speciation=speciation, counted=counted)


def _repointed(genome: Genome, successors: Mapping[int, int]) -> Genome:
    def moved(node: Node) -> Node:
        heir = successors.get(int(node.genes[SPECIES])) if SPECIES in node.genes else None
        return node if heir is None else replace(node, genes={**node.genes, SPECIES: heir})

    return replace(genome, nodes=tuple(moved(node) for node in genome.nodes))


def offspring(
    members: Sequence[Individual],
    standing: Mapping[int, float],
    policy: Policy,
    alphabet: Alphabet,
    number: int,
    generation: int,
    rng: np.random.Generator,
) -> Individual:
    """Return one offspring of a species, or a random immigrant (Grefenstette 1992) in its place.

    Args:
        members: of the species, best first; those of the share ``policy.parents`` may be parents.
        standing: of all individuals, by id.
        policy: how to vary.
        alphabet: what genomes may contain.
        number: id of the offspring.
        generation: in which it is born.
        rng: source of all choices.
    """
    if policy.random_immigrants and rng.random() < policy.random_immigrants:
        immigrant = random_individual(number, number, policy, alphabet, generation, rng)
        return replace(immigrant, operators=("immigration",))
    parents = members[: max(1, math.ceil(policy.parents * len(members)))]
    first = parents[int(rng.integers(len(parents)))]
    genome, ids = first.genome, [first.id]
    if len(parents) > 1 and rng.random() < policy.crossover:
        others = [parent for parent in parents if parent.id != first.id]
        second = others[int(rng.integers(len(others)))]
        fitter, other = (first, second) if standing[first.id] >= standing[second.id] else (second, first)
        equal = standing[first.id] == standing[second.id]
        genome = crossover(fitter.genome, other.genome, rng, equal=equal, max_nodes=alphabet.max_nodes)
        ids = [fitter.id, other.id]
    crossed = ("crossover",) if len(ids) > 1 else ()
    copy = any(parent.genome == genome for parent in parents if parent.id in ids)
    child, mutations = mutate(genome, alphabet, policy.rates, generation, rng, always=copy)
    return Individual(number, child, born=generation, parents=tuple(ids), operators=(*crossed, *mutations))
