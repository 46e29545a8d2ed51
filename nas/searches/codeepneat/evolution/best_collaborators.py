"""Best collaborators: a network for a blueprint of the modules that it, or its parents, did best with.

In cooperative coevolution a component is judged with its collaborators. Dealt at random they explore, the best known
ones refine (Potter and De Jong 2000; Wiegand, Liles and De Jong 2001 compare both). Without a memory of them, a good
network is dealt apart in the next generation. Here a mutated blueprint meets the modules of its parent's best network,
one of which gives way to a child of its own.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from gondwana.nas.searches.codeepneat.evolution.fitness_assignment import Network
from gondwana.nas.searches.codeepneat.evolution.pairing import Team
from gondwana.nas.searches.codeepneat.evolution.population import Individual
from gondwana.nas.searches.codeepneat.genome.space import SPECIES


class Collaborators:
    """What has been made of each blueprint, and the modules of the best of it."""

    def __init__(self) -> None:
        self._best: dict[int, tuple[float, frozenset[int]]] = {}
        self._made: dict[int, set[frozenset[int]]] = {}

    def note(self, network: Network) -> None:
        """Take in an evaluated network; of equally good ones the first is remembered."""
        modules = frozenset(network.modules)
        self._made.setdefault(network.blueprint, set()).add(modules)
        if network.fitness is None:
            return
        known = self._best.get(network.blueprint)
        if known is None or network.fitness[0] > known[0]:
            self._best[network.blueprint] = network.fitness[0], modules

    def inherit(self, blueprints: Iterable[Individual]) -> None:
        """Let those that have no network of their own take over their parents' best, as if it were theirs."""
        for each in blueprints:
            if (known := self._known(each)) is not None:
                self._best[each.id] = known

    def keep(self, blueprints: Iterable[Individual]) -> None:
        """Forget all but these blueprints and their parents."""
        wanted = {number for each in blueprints for number in (each.id, *each.parents)}
        self._best = {number: best for number, best in self._best.items() if number in wanted}
        self._made = {number: made for number, made in self._made.items() if number in wanted}

    def of(self, blueprint: Individual) -> frozenset[int]:
        """Return the ids of the modules in the blueprint's best network, or in the best of its parents' if it has none
        itself; empty if nothing is known."""
        known = self._known(blueprint)
        return frozenset() if known is None else known[1]

    def _known(self, blueprint: Individual) -> tuple[float, frozenset[int]] | None:
        if blueprint.id in self._best:
            return self._best[blueprint.id]
        parents = [self._best[parent] for parent in blueprint.parents if parent in self._best]
        return max(parents, key=lambda each: each[0], default=None)

    def team(
        self, blueprint: Individual, species: Mapping[int, Sequence[Individual]], rng: np.random.Generator
    ) -> Team | None:
        """Return a network of the blueprint and its best collaborators; None if that would be none or nothing new.

        For each species that the blueprint points to it holds the remembered module; if that is not among the living,
        one of its children; else anyone. Then one module gives way to a child of a remembered one, to one that was
        never in a network if there is any.

        Args:
            blueprint: whose network.
            species: members of each module species.
            rng: source of all choices.
        """
        remembered = self.of(blueprint)
        if not remembered:
            return None
        wanted = sorted({int(node.genes[SPECIES]) for node in blueprint.genome.inner})
        children = {name: _children(species[name], remembered) for name in wanted}
        modules: dict[int, Individual] = {}
        for name in wanted:
            same = [each for each in species[name] if each.id in remembered]
            modules[name] = _any(same or children[name] or species[name], rng)
        if fertile := [name for name in wanted if children[name]]:
            name = fertile[int(rng.integers(len(fertile)))]
            fresh = [each for each in children[name] if each.fitness is None]
            modules[name] = _any(fresh or children[name], rng)
        made = self._made.get(blueprint.id, set())
        if frozenset(module.id for module in modules.values()) in made:
            return None
        return Team(blueprint, modules)


def _children(members: Sequence[Individual], parents: frozenset[int]) -> list[Individual]:
    return [each for each in members if each.id not in parents and not parents.isdisjoint(each.parents)]


def _any(members: Sequence[Individual], rng: np.random.Generator) -> Individual:
    return members[int(rng.integers(len(members)))]
