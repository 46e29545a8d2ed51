"""CoDeepNEAT without generations: a network is bred whenever a worker is free, from all outcomes that are in by then.

What a generation is to :class:`.search.CoDeepNEAT`, a *span* of as many candidates is here: fitness is
the mean over a component's networks among the outcomes of the last span and the preserved ones, as many offspring are
born per span as per generation, and at its end species are formed anew. The search depends on the order in which
outcomes arrive, which the run's journal records, so that it can be replayed.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace

import numpy as np

from gondwana.nas.candidate import Candidate, Outcome
from gondwana.nas.randomness import stream
from gondwana.nas.searches.codeepneat.evolution.fitness_assignment import (
    Network,
    assign_fitness,
    by_component,
    preserved,
    worst,
)
from gondwana.nas.searches.codeepneat.evolution.pairing import TRIES, Team
from gondwana.nas.searches.codeepneat.evolution.population import Individual
from gondwana.nas.searches.codeepneat.evolution.replacement import redrawn, replaced
from gondwana.nas.searches.codeepneat.evolution.reproduction import Policy, regrouped
from gondwana.nas.searches.codeepneat.evolution.rungs import OpenLadder, Step
from gondwana.nas.searches.codeepneat.genome.space import SPECIES
from gondwana.nas.searches.codeepneat.search import CoDeepNEAT
from gondwana.nas.searches.codeepneat.settings import CoDeepNEATSettings
from gondwana.nas.searches.job import SearchJob


def _number(candidate: Candidate) -> int:
    """Return what a network is numbered by: its candidate on the lowest rung."""
    return int(candidate.origin.get("network", candidate.id))


class Turns:
    """Whose turn it is: who has never had one comes first, then those who have waited longest."""

    def __init__(self) -> None:
        self._last: dict[int, int] = {}
        self._counts: dict[int, int] = {}

    def count(self, number: int) -> int:
        """Return how often the individual had a turn."""
        return self._counts.get(number, 0)

    def give(self, number: int, moment: int) -> None:
        """Record that the individual has its turn at ``moment``, a number that grows."""
        self._last[number] = moment
        self._counts[number] = self.count(number) + 1

    def pick(self, members: Sequence[Individual], rng: np.random.Generator) -> Individual:
        """Return the oldest that never had a turn, or else anyone of the half that has waited longest."""
        waiting = sorted(members, key=lambda each: (self._last.get(each.id, -1), each.id))
        if self.count(waiting[0].id) == 0:
            return waiting[0]
        return waiting[int(rng.integers(math.ceil(len(waiting) / 2)))]

    def keep(self, individuals: Sequence[Individual]) -> None:
        """Keep the turns of these individuals and forget those of all others."""
        living = {each.id for each in individuals}
        self._last = {number: value for number, value in self._last.items() if number in living}
        self._counts = {number: value for number, value in self._counts.items() if number in living}


class SteadyCoDeepNEAT(CoDeepNEAT):
    """Coevolution of blueprints and modules, candidate by candidate. Arguments and errors as of its base.

    The candidates of the first span are those of the first generation, which depend on no outcome.
    """

    def __init__(self, settings: CoDeepNEATSettings, job: SearchJob) -> None:
        super().__init__(settings, job)
        self._total = job.generations * self._per_generation
        self._first = deque((candidate, self._open[candidate.id][1]) for candidate in self._waiting)
        self._open, self._waiting = {}, []
        self._asked = self._bred = self._heard = 0
        """Candidates asked for; networks bred; networks of which the first outcome is in."""
        self._climbing = self._open_ladder()
        self._climbers: dict[int, Team] = {}
        """Networks that may go on, by the number of their first candidate."""
        self._recent: deque[Network] = deque(maxlen=self._per_generation)
        self._teams: deque[tuple[int, ...]] = deque(maxlen=self._per_generation)
        self._turns = {"blueprints": Turns(), "modules": Turns()}

    def ask(self, count: int) -> list[Candidate]:
        """Return up to ``count`` candidates, fewer only at the end of the search.

        Raises:
            ValueError: if ``count`` is negative.
        """
        if count < 0:
            raise ValueError(f"the number of candidates asked for is at least 0. Received: {count}")
        found: list[Candidate] = []
        while len(found) < count and (candidate := self._next()) is not None:
            found.append(candidate)
        return found

    def tell(self, outcome: Outcome) -> None:
        """Take in an outcome.

        Raises:
            ValueError: if the candidate was never asked for, or was told before.
        """
        number = outcome.candidate_id
        if number not in self._open:
            known = 0 <= number < self._asked
            raise ValueError(f"candidate {number} was {'told before' if known else 'never asked for'}")
        self._outcomes[number] = outcome
        network = self._network(number)
        self._best_so_far.add(outcome)
        first = self._climb(network, outcome)
        del self._open[number], self._outcomes[number]
        if not first:
            return
        self._heard += 1
        self._recent.append(network)
        self._archive = preserved([*self._archive, network], self._settings.preserved_networks)
        self._collaborators.note(network)
        self._learn(network)
        if self._heard % self._per_generation == 0:
            self._assign_fitness()
            self._history.append(self._record(self._rated(self._recent)))
            self._generation += 1

    @property
    def finished(self) -> bool:
        """True when all outcomes are in."""
        if self._heard < self._total or self._open:
            return False
        return self._climbing is None or self._climbing.next(last=True) is None

    def _next(self) -> Candidate | None:
        """Return a network that goes on, if one may, else a new one; None if all are bred and none may go on yet."""
        if (candidate := self._promoted()) is not None:
            return candidate
        if self._bred == self._total:
            return None
        number, bred = self._asked, self._bred
        if self._first:
            candidate, team = self._first.popleft()
            candidate = replace(candidate, id=number)
        else:
            rng = stream(self._job.seed, "codeepneat", "steady", bred)
            self._breed(bred, rng)
            team = self._team(rng)
            candidate = replace(self._candidate(number, team), generation=bred // self._per_generation)
        self._asked += 1
        self._bred += 1
        self._open[number] = (candidate, team)
        self._teams.append(team.ids)
        self._turns["blueprints"].give(team.blueprint.id, number)
        for module in team.modules.values():
            self._turns["modules"].give(module.id, number)
        return candidate

    # --- rungs

    def _open_ladder(self) -> OpenLadder | None:
        fidelity = self._settings.fidelity
        if fidelity is None:
            return None
        return OpenLadder(len(fidelity.rungs), fidelity.keep, self._job.info.chance + fidelity.margin)

    def _promoted(self) -> Candidate | None:
        """Return the next rung of a network that may go on; None if there is none."""
        if self._climbing is None:
            return None
        found = self._climbing.next(last=self._bred == self._total and not self._open)
        if found is None:
            return None
        number, (network, rung) = self._asked, found
        self._climbing.promote(network, rung)
        before = self._climbing.levels[rung][network].candidate.id
        team = self._climbers[network]
        candidate = self._candidate(number, team, rung + 1, (before, network))
        span = max(0, self._bred - 1) // self._per_generation
        self._asked += 1
        self._open[number] = (replace(candidate, generation=span), team)
        return self._open[number][0]

    def _climb(self, network: Network, outcome: Outcome) -> bool:
        """Take in how far a network came; return whether this is its first outcome, as always without rungs."""
        candidate, team = self._open[outcome.candidate_id]
        if self._climbing is None:
            return True
        number, rung = _number(candidate), int(candidate.origin["rung"])
        self._climbing.add(number, rung, Step(candidate, outcome))
        self._climbers[number] = team
        if rung > 0 and network.reached is not None:
            self._archive = preserved([*self._archive, network], self._settings.preserved_networks)
            places = [place for place, each in enumerate(self._recent) if _number(each.candidate) == number]
            for place in places:
                self._recent[place] = network
        return rung == 0

    def _network(self, number: int) -> Network:
        network = super()._network(number)
        if self._climbing is None or network.fitness is None:
            return network
        return replace(network, reached=(int(network.candidate.origin["rung"]), network.fitness[0]))

    def _rated(self, networks: Iterable[Network]) -> list[Network]:
        """Return networks with the fitnesses that their components are credited with."""
        found = list(networks)
        if self._climbing is None:
            return found
        credits = self._climbing.credits({_number(network.candidate) for network in found})
        rated = []
        for network in found:
            credit = credits[_number(network.candidate)]
            rated.append(replace(network, fitness=None if credit is None else (credit,)))
        return rated

    def _levels(self) -> Sequence[Mapping[int, Step]]:
        return super()._levels() if self._climbing is None else self._climbing.levels

    # --- variation

    def _assign_fitness(self) -> None:
        """Let everybody have the mean fitness of the networks of the last span and of the preserved ones."""
        recent = {_number(network.candidate) for network in self._recent}
        older = (network for network in self._archive if _number(network.candidate) not in recent)
        networks = self._rated([*self._recent, *older])
        failed = worst(networks[: len(self._recent)], self._job.info.chance, len(self._settings.objectives))
        blueprints, modules = by_component(networks, failed)
        self._blueprints = assign_fitness(self._blueprints, blueprints, self._settings.fitness_assignment)
        self._modules = assign_fitness(self._modules, modules, self._settings.fitness_assignment)

    def _breed(self, number: int, rng: np.random.Generator) -> None:
        """Let the offspring be born that are due before candidate ``number``; form species anew after each span."""
        span, place = divmod(number, self._per_generation)
        modules, blueprints = self._settings.module_policy(), self._settings.blueprint_policy()
        born = self._due(modules, place), self._due(blueprints, place)
        if place and not any(born):
            return
        self._assign_fitness()
        if place == 0:
            self._regroup(span - 1)
        successor = replaced if self._settings.selection == "fitness" else redrawn
        for _ in range(born[0]):
            alphabet = self._settings.space.module_alphabet()
            birth = self._births.modules(self._blueprints, self._modules)
            self._modules = successor(self._modules, modules, alphabet, span, rng, (), birth)
        for _ in range(born[1]):
            alphabet = self._blueprint_alphabet()
            lacking = {each.id for each in self._lacking()}
            birth = self._births.blueprints(self._modules)
            self._blueprints = successor(self._blueprints, blueprints, alphabet, span, rng, lacking, birth)

    def _due(self, policy: Policy, place: int) -> int:
        """Return the number of offspring at this place of a span; over a span, as many as a generation has."""
        elite = policy.elitism if self._settings.selection == "fitness" else 0.0
        born = round(policy.size * (1.0 - elite))
        return born * (place + 1) // self._per_generation - born * place // self._per_generation

    def _regroup(self, span: int) -> None:
        self._modules = regrouped(
            self._modules, self._settings.module_policy(), self._settings.space.module_alphabet(), span
        )
        self._blueprints = regrouped(
            self._repointed_blueprints(),
            self._settings.blueprint_policy(),
            self._blueprint_alphabet(),
            span,
        )
        self._turns["modules"].keep(self._modules.individuals)
        self._turns["blueprints"].keep(self._blueprints.individuals)
        self._collaborators.keep(self._blueprints.individuals)

    # --- pairing

    def _team(self, rng: np.random.Generator) -> Team:
        """Return a network that is new within a span and fits the budget, if one of :data:`TRIES` draws does."""
        blueprint = self._blueprint(rng)
        species = self._modules.species()
        team = self._with_best_collaborators(blueprint, species, rng)
        if team is not None and team.ids not in self._teams and self._within_budget(team):
            return team
        wanted = sorted({int(node.genes[SPECIES]) for node in blueprint.genome.inner})
        turns = self._turns["modules"]

        def anyone(members: Sequence[Individual], rng: np.random.Generator) -> Individual:
            return members[int(rng.integers(len(members)))]

        tried: list[Team] = []
        for attempt in range(TRIES):
            pick: Callable[[Sequence[Individual], np.random.Generator], Individual]
            pick = anyone if attempt else turns.pick
            tried.append(Team(blueprint, {name: pick(species[name], rng) for name in wanted}))
            if tried[-1].ids not in self._teams and self._within_budget(tried[-1]):
                return tried[-1]
        return next((team for team in reversed(tried) if team.ids not in self._teams), tried[-1])

    def _blueprint(self, rng: np.random.Generator) -> Individual:
        """Return the blueprint with the fewest networks of those that lack some, or else one whose turn it is."""
        turns = self._turns["blueprints"]
        if lacking := self._lacking():
            return min(lacking, key=lambda each: (turns.count(each.id), each.id))
        return turns.pick(self._blueprints.individuals, rng)

    def _lacking(self) -> list[Individual]:
        """Return the blueprints that have not been made into as many networks as in a generation."""
        turns, wanted = self._turns["blueprints"], self._settings.evaluations
        return [each for each in self._blueprints.individuals if turns.count(each.id) < wanted]
