"""Fitness assignment: what the outcome of a network says about its blueprint and its modules."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from gondwana.nas.candidate import Candidate, Json, Outcome, whole_key
from gondwana.nas.searches.codeepneat.evolution.nsga2 import best
from gondwana.nas.searches.codeepneat.evolution.population import Fitness, Population

FitnessAssignment = Literal["mean", "best"]
"""What a component gets of the fitnesses of its networks."""


@dataclass(frozen=True, slots=True)
class Network:
    """An evaluated network: its components and its fitness.

    Attributes:
        candidate: what was evaluated.
        blueprint: id of its blueprint.
        modules: ids of its modules.
        fitness: its objectives; None if its evaluation failed. With several rungs, what
            :meth:`gondwana.nas.searches.codeepneat.evolution.rungs.Ladder.credits` says.
        reached: with several rungs, the highest one it was trained to, from 0, and its fitness there.
    """

    candidate: Candidate
    blueprint: int
    modules: tuple[int, ...]
    fitness: Fitness | None
    reached: tuple[int, float] | None = None

    def to_json(self) -> Json:
        """Return the network as JSON, its candidate by id."""
        further = {} if self.reached is None else {"rung": self.reached[0], "fitness_there": self.reached[1]}
        return further | {
            "candidate": self.candidate.id,
            "blueprint": self.blueprint,
            "modules": list(self.modules),
            "fitness": None if self.fitness is None else list(self.fitness),
        }


def objectives(outcome: Outcome, names: Sequence[str], known: Mapping[int, Fitness]) -> Fitness | None:
    """Return the objectives of an outcome, larger is better; None for a failure.

    Args:
        outcome: how the evaluation ended.
        names: objectives, see :class:`gondwana.nas.searches.codeepneat.settings.CoDeepNEATSettings`.
        known: objectives of earlier candidates by id: those of a duplicate are the original's.
    """
    if outcome.fitness is None:
        return None
    if outcome.duplicate_of is not None and outcome.duplicate_of in known:
        return known[outcome.duplicate_of]
    figures = {
        "fitness": outcome.fitness,
        "parameters": -float(outcome.parameters or 0),
        "training_seconds": -float(outcome.seconds.get("trained", 0.0)),
    }
    return tuple(figures[name] for name in names)


def worst(networks: Iterable[Network], chance: float, count: int) -> Fitness:
    """Return what a failed network counts as: in each of ``count`` objectives the worst figure among
    ``networks``, and in the first no more than the fitness of guessing."""
    known = [network.fitness for network in networks if network.fitness is not None]
    if not known:
        return (chance,) + (0.0,) * (count - 1)
    lowest = tuple(min(figures) for figures in zip(*known, strict=True))
    return (min(lowest[0], chance), *lowest[1:])


def assign_fitness(
    population: Population, shares: Mapping[int, Sequence[Fitness]], rule: FitnessAssignment = "mean"
) -> Population:
    """Return the population in which everyone has a fitness from the networks that it took part in.

    Args:
        population: blueprints or modules.
        shares: fitnesses of these networks by the individual's id. Who is not in it keeps the fitness that it has.
        rule: the ``mean`` of them in each objective, or the ``best`` of them, of equal ones in the first objective by
            the second.
    """

    def mean(fitnesses: Sequence[Fitness]) -> Fitness:
        return tuple(math.fsum(figures) / len(fitnesses) for figures in zip(*fitnesses, strict=True))

    summed = max if rule == "best" else mean
    individuals = tuple(
        replace(each, fitness=summed(shares[each.id])) if shares.get(each.id) else each
        for each in population.individuals
    )
    return replace(population, individuals=individuals)


def by_component(
    networks: Iterable[Network], failed: Fitness
) -> tuple[dict[int, list[Fitness]], dict[int, list[Fitness]]]:
    """Return the fitnesses of ``networks`` by blueprint id and by module id; failures count as ``failed``."""
    blueprints: dict[int, list[Fitness]] = {}
    modules: dict[int, list[Fitness]] = {}
    for network in networks:
        fitness = failed if network.fitness is None else network.fitness
        blueprints.setdefault(network.blueprint, []).append(fitness)
        for module in network.modules:
            modules.setdefault(module, []).append(fitness)
    return blueprints, modules


def preserved(networks: Sequence[Network], count: int) -> list[Network]:
    """Return the ``count`` best of ``networks``, best first, each candidate spec once, failures never."""
    if any(network.reached is not None for network in networks):
        return _furthest(networks, count)
    unique: dict[str, Network] = {}
    for network in networks:
        if network.fitness is not None:
            unique.setdefault(network.candidate.key, network)
    kept = list(unique.values())
    return [kept[i] for i in best([network.fitness or () for network in kept], count)]


def _furthest(networks: Sequence[Network], count: int) -> list[Network]:
    """Return the best of those on the highest rung, then of the one below, each network once where it came furthest."""
    ranked = sorted(
        (network for network in networks if network.fitness is not None and network.reached is not None),
        key=lambda network: tuple(-figure for figure in network.reached or ()),
    )
    unique: dict[str, Network] = {}
    for network in ranked:
        unique.setdefault(whole_key(network.candidate.spec), network)
    return list(unique.values())[:count]
