"""What a surrogate is to coevolution: it says which of several offspring to go on with.

An offspring is no network. It is judged by the network that it would make in good company: a module in the place of its
species' module in the best blueprint that points to the species, beside the best modules of the other species; a
blueprint with the best module of every species that it points to.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from gondwana.nas.candidate import Candidate, Json, whole_key
from gondwana.nas.searches.codeepneat.evolution.pairing import Team
from gondwana.nas.searches.codeepneat.evolution.population import Individual, Population
from gondwana.nas.searches.codeepneat.evolution.reproduction import Birth
from gondwana.nas.searches.codeepneat.genome.space import SPECIES
from gondwana.nas.searches.codeepneat.network.features import NetworkFeatures
from gondwana.nas.searches.codeepneat.settings import CoDeepNEATSettings
from gondwana.nas.searches.job import SearchJob
from gondwana.nas.searches.surrogate.surrogate import Surrogate


class Guide:
    """Learns from networks, and chooses among offspring.

    Args:
        surrogate: the model.
        features: what it sees of a network.
        describe: returns model and training recipe of a team, as its spec would have them.
    """

    def __init__(
        self, surrogate: Surrogate, features: NetworkFeatures, describe: Callable[[Team], tuple[Json, Json]]
    ) -> None:
        self.surrogate = surrogate
        self._features = features
        self._describe = describe
        self._known: set[str] = set()

    def learn(self, candidate: Candidate, fitness: float | None) -> None:
        """Take in a network, unless it is one of before; None for a failure."""
        key = whole_key(candidate.spec)
        if key not in self._known:
            self._known.add(key)
            features = self._features(candidate.spec["model"], candidate.spec["training"])
            self.surrogate.learn(features, fitness)

    def module_birth(self, blueprints: Population, modules: Population) -> Birth:
        """Return how the next modules are born, beside the evaluated populations."""
        company = {species: _fittest(members) for species, members in modules.species().items()}
        hosts = {
            species: host
            for species in company
            if (host := _host(blueprints.individuals, species)) is not None
        }

        def team(child: Individual, species: int) -> Team | None:
            host = hosts.get(species)
            return None if host is None else _team(host, {**company, species: child})

        return self._birth(team)

    def blueprint_birth(self, modules: Population) -> Birth:
        """Return how the next blueprints are born, which point to species of ``modules``."""
        company = {species: _fittest(members) for species, members in modules.species().items()}
        return self._birth(lambda child, species: _team(child, company))

    def _birth(self, team: Callable[[Individual, int], Team | None]) -> Birth:
        def born(make: Callable[[], Individual], species: int, rng: np.random.Generator) -> Individual:
            if not self.surrogate.ready() or self.surrogate.explores(rng):
                return make()
            children = [make() for _ in range(self.surrogate.settings.candidates)]
            teams = [team(child, species) for child in children]
            known = [each for each in teams if each is not None]
            if len(known) < len(teams):
                return children[0]
            figures = self.surrogate.figures([self._features(*self._describe(each)) for each in known])
            return children[int(figures.argmax())]

        return born


def _team(blueprint: Individual, company: Mapping[int, Individual]) -> Team | None:
    wanted = sorted({int(node.genes[SPECIES]) for node in blueprint.genome.inner})
    if any(species not in company for species in wanted):
        return None
    return Team(blueprint, {species: company[species] for species in wanted})


def _fittest(members: Sequence[Individual]) -> Individual:
    """Return the best of those whose fitness is known, or else the oldest."""
    return min(members, key=lambda each: (each.fitness is None, _negative(each), each.id))


def _host(blueprints: Sequence[Individual], species: int) -> Individual | None:
    """Return the best blueprint that points to a species."""
    pointing = [b for b in blueprints if any(int(node.genes[SPECIES]) == species for node in b.genome.inner)]
    return _fittest(pointing) if pointing else None


def _negative(individual: Individual) -> float:
    return 0.0 if individual.fitness is None else -individual.fitness[0]


def make_guide(
    settings: CoDeepNEATSettings, job: SearchJob, describe: Callable[[Team], tuple[Json, Json]]
) -> Guide | None:
    """Return the guide that the settings ask for; None if they ask for none."""
    if settings.surrogate is None:
        return None
    features = NetworkFeatures(settings.space, job.info)
    return Guide(Surrogate(settings.surrogate, job.seed), features, describe)
