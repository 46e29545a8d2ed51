"""Pairing: which modules each blueprint gets in a generation.

A blueprint is made into several networks; in each, one module is drawn for every species that it points to, and fills
all nodes that point there. Modules are dealt from shuffled decks, one per species, so that within a generation none is
used a second time before the others of its species were used, and all get a fitness of their own.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from gondwana.nas.candidate import Json
from gondwana.nas.searches.codeepneat.evolution.population import Individual
from gondwana.nas.searches.codeepneat.genome.space import SPECIES

TRIES = 12
"""Draws of modules for one network, when the first ones repeat a network or exceed the budget."""


@dataclass(frozen=True, slots=True)
class Team:
    """The components of one network.

    Attributes:
        blueprint: its blueprint.
        modules: its module for each species that the blueprint points to, by species id.
    """

    blueprint: Individual
    modules: Mapping[int, Individual]

    @property
    def ids(self) -> tuple[int, ...]:
        """Ids of the blueprint and of the modules, in the order of their species."""
        return (self.blueprint.id, *(self.modules[species].id for species in sorted(self.modules)))

    def origin(self) -> Json:
        """Return where a network comes from, for its lineage."""
        modules = {str(species): module for species, module in sorted(self.modules.items())}
        return {
            "blueprint": self.blueprint.id,
            "modules": {species: module.id for species, module in modules.items()},
            "parents": {
                "blueprint": list(self.blueprint.parents),
                "modules": {species: list(module.parents) for species, module in modules.items()},
            },
            "operators": {
                "blueprint": list(self.blueprint.operators),
                "modules": {species: list(module.operators) for species, module in modules.items()},
            },
        }


class _Decks:
    def __init__(self, species: Mapping[int, Sequence[Individual]], rng: np.random.Generator) -> None:
        self._species = {name: sorted(members, key=lambda each: each.id) for name, members in species.items()}
        self._rng = rng
        self._decks: dict[int, list[Individual]] = {}

    def deal(self, species: int) -> Individual:
        if not self._decks.get(species):
            members = self._species[species]
            self._decks[species] = [members[i] for i in self._rng.permutation(len(members))]
        return self._decks[species].pop()

    def put_back(self, species: int, module: Individual) -> None:
        self._decks[species].insert(0, module)


def pair(
    blueprints: Sequence[Individual],
    species: Mapping[int, Sequence[Individual]],
    evaluations: int,
    within_budget: Callable[[Team], bool],
    rng: np.random.Generator,
    proposed: Callable[[Individual], Team | None] = lambda blueprint: None,
) -> list[Team]:
    """Return ``evaluations`` teams for each blueprint.

    A team that repeats one of the generation or exceeds the budget is drawn again, up to :data:`TRIES` times. If
    none will do, the last new one is taken all the same, or else the last one; its evaluation says what is wrong.

    Args:
        blueprints: all blueprints.
        species: members of each module species.
        evaluations: networks per blueprint.
        within_budget: whether a network may be trained.
        rng: source of the shuffles.
        proposed: a team for a blueprint that comes before a dealt one, if it is new and within the budget.
    """
    decks = _Decks(species, rng)
    teams: list[Team] = []
    seen: set[tuple[int, ...]] = set()
    for _ in range(evaluations):
        for blueprint in blueprints:
            team = proposed(blueprint)
            if team is None or team.ids in seen or not within_budget(team):
                team = _draw(blueprint, decks, seen, within_budget)
            seen.add(team.ids)
            teams.append(team)
    return teams


def _draw(
    blueprint: Individual, decks: _Decks, seen: set[tuple[int, ...]], within_budget: Callable[[Team], bool]
) -> Team:
    wanted = sorted({int(node.genes[SPECIES]) for node in blueprint.genome.inner})
    tried: list[Team] = []
    for _ in range(TRIES):
        tried.append(Team(blueprint, {name: decks.deal(name) for name in wanted}))
        if tried[-1].ids not in seen and within_budget(tried[-1]):
            break
    team = tried[-1]
    if team.ids in seen or not within_budget(team):
        team = next((other for other in reversed(tried) if other.ids not in seen), team)
    for other in tried:
        if other is not team:
            for name, module in other.modules.items():
                decks.put_back(name, module)
    return team
