"""How offspring are born where that is more than making one: within limits, and of several the most promising.

An offspring is no network. It is judged by the network that it would make in good company: a module in the place of its
species' module in the best blueprint that points to the species, beside the best modules of the other species; a
blueprint with the best module of every species that it points to.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial

import numpy as np

from gondwana.nas.candidate import Candidate, Json, whole_key
from gondwana.nas.searches.codeepneat.evolution.pairing import TRIES, Team
from gondwana.nas.searches.codeepneat.evolution.population import Individual, Population
from gondwana.nas.searches.codeepneat.evolution.reproduction import Birth, at_once
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

    def chosen(
        self,
        make: Callable[[], Individual],
        team: Callable[[Individual], Team | None],
        rng: np.random.Generator,
    ) -> Individual:
        """Return the most promising of several offspring; the first one while there is no model, and to explore."""
        if not self.surrogate.ready() or self.surrogate.explores(rng):
            return make()
        children = [make() for _ in range(self.surrogate.settings.candidates)]
        teams = [found for child in children if (found := team(child)) is not None]
        if len(teams) < len(children):
            return children[0]
        figures = self.surrogate.figures([self._features(*self._describe(each)) for each in teams])
        return children[int(figures.argmax())]


class Births:
    """How offspring come about: bred again while the network they would make is too large, and chosen by a guide.

    Args:
        guide: chooses; None takes the first that fits.
        fits: whether a network is within the limits; None for no limits.
    """

    def __init__(self, guide: Guide | None, fits: Callable[[Team], bool] | None) -> None:
        self._guide, self._fits = guide, fits
        self.again = 0
        """Offspring that were too large and were bred again."""

    def modules(self, blueprints: Population, modules: Population) -> Birth:
        """Return how the next modules are born, beside the evaluated populations."""
        if self._guide is None and self._fits is None:
            return at_once
        company = {species: _fittest(members) for species, members in modules.species().items()}
        hosts = {
            species: host
            for species in company
            if (host := _host(blueprints.individuals, species)) is not None
        }

        def team(species: int, child: Individual) -> Team | None:
            host = hosts.get(species)
            return None if host is None else _team(host, {**company, species: child})

        return partial(self._born, team)

    def blueprints(self, modules: Population) -> Birth:
        """Return how the next blueprints are born, which point to species of ``modules``."""
        if self._guide is None and self._fits is None:
            return at_once
        company = {species: _fittest(members) for species, members in modules.species().items()}
        return partial(self._born, lambda species, child: _team(child, company))

    def _born(
        self,
        team: Callable[[int, Individual], Team | None],
        make: Callable[[], Individual],
        species: int,
        rng: np.random.Generator,
    ) -> Individual:
        of = partial(team, species)
        fitting = make if self._fits is None else partial(self._fitting, make, of, self._fits)
        return fitting() if self._guide is None else self._guide.chosen(fitting, of, rng)

    def _fitting(
        self,
        make: Callable[[], Individual],
        team: Callable[[Individual], Team | None],
        fits: Callable[[Team], bool],
    ) -> Individual:
        """Return the first of at most :data:`TRIES` offspring that fits, or the last one."""
        for _ in range(TRIES - 1):
            child = make()
            found = team(child)
            if found is None or fits(found):
                return child
            self.again += 1
        return make()


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


def limited(settings: CoDeepNEATSettings, job: SearchJob) -> bool:
    """Return whether offspring are to be bred within limits, and there are any."""
    limits = settings.max_multiply_adds is not None or job.limits.get("max_parameters") is not None
    return settings.breed_within_limits and limits
