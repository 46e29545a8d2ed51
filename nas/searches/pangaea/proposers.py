"""Where the functions of a search come from: random draws, and aging evolution (Bingham and Miikkulainen, PANGAEA)."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from gondwana.nas.candidate import Json
from gondwana.nas.randomness import stream
from gondwana.nas.searches.surrogate.surrogate import Surrogate

if TYPE_CHECKING:
    from gondwana.activations import Graph

_MAX_TRIES = 1_000
"""Children of one parent that are rejected before training until a random function takes their place."""


@dataclass(frozen=True, slots=True)
class Member:
    """A function of known fitness."""

    candidate_id: int
    graph: Graph
    fitness: float


class Sampler:
    """Functions that pass the rejections before training.

    Args:
        seed: of the run.
        unique: reject a function that equals an earlier one.
        valid: reject a function that is of no use.
        minimal: make only functions of the minimal forms ``unary(unary(x))`` and ``binary(unary(x),unary(x))``,
            without factors.
    """

    def __init__(self, seed: int, unique: bool, valid: bool, minimal: bool = False) -> None:
        from gondwana.activations import Distinct  # imports Keras, which reading a config does not need

        self._seed = seed
        self._unique = unique
        self._valid = valid
        self._minimal = minimal
        self._seen = Distinct()

    def stream(self, candidate_id: int) -> np.random.Generator:
        """Return the stream from which a candidate's choices are made."""
        return stream(self._seed, "pangaea", candidate_id)

    def random(self, rng: np.random.Generator) -> Graph:
        """Return a random function that was not remembered yet, as far as that can be had; it is not remembered now."""
        found = self._first(self._drawn(rng) for _ in range(10 * _MAX_TRIES))
        return self._drawn(rng) if found is None else found

    def child(self, parent: Graph, rng: np.random.Generator) -> Graph | None:
        """Return a mutant of ``parent`` with new factors, as :meth:`random` does; None if none passes."""
        return self._first(self._mutant(parent, rng) for _ in range(_MAX_TRIES))

    def remember(self, graph: Graph) -> None:
        """Take a function for evaluated from now on."""
        if self._unique:
            self._seen.add(graph)

    def _drawn(self, rng: np.random.Generator) -> Graph:
        from gondwana import activations

        return activations.minimal(rng) if self._minimal else activations.sample(rng)

    def _mutant(self, parent: Graph, rng: np.random.Generator) -> Graph:
        from gondwana import activations

        if self._minimal:
            return activations.change(parent, rng)
        return activations.parametrize(activations.mutate(parent, rng), rng)

    def _first(self, graphs: Iterator[Graph]) -> Graph | None:
        return next((graph for graph in graphs if self._accepted(graph)), None)

    def _accepted(self, graph: Graph) -> bool:
        from gondwana import activations

        if self._valid and activations.problem(graph) is not None:
            return False
        return not self._unique or self._seen.find(graph) is None


class Proposer(ABC):
    """Proposes the function of the next candidate from what it was told of earlier ones."""

    def __init__(self, sampler: Sampler) -> None:
        self.sampler = sampler

    def propose(self, candidate_id: int) -> tuple[Graph, Json]:
        """Return a function and its origin, and take it for evaluated."""
        graph, origin = self.bred(self.sampler.stream(candidate_id))
        self.sampler.remember(graph)
        return graph, origin

    @abstractmethod
    def bred(self, rng: np.random.Generator) -> tuple[Graph, Json]:
        """Return a function that could be evaluated next, and its origin."""

    @abstractmethod
    def add(self, member: Member) -> None:
        """Take in a function whose fitness is at least the validity threshold."""

    def learn(self, graph: Graph, fitness: float | None) -> None:
        """Take in the outcome of any function, good or bad; None for a failure. Only a surrogate learns from it."""
        return

    @abstractmethod
    def population(self) -> list[Member]:
        """Return the functions that may be parents, oldest first."""

    def surrogate(self) -> Surrogate | None:
        """Return the model that proposals are chosen with; None without one."""
        return None


class RandomDraws(Proposer):
    """Every function is drawn afresh."""

    def bred(self, rng: np.random.Generator) -> tuple[Graph, Json]:
        """Return a random function."""
        return self.sampler.random(rng), {"parent": None}

    def add(self, member: Member) -> None:
        """Ignore the outcome: random draws do not depend on it."""

    def population(self) -> list[Member]:
        """Return no members: random draws keep no population."""
        return []


class Evolution(Proposer):
    """Aging evolution; functions are random until the population is full."""

    def __init__(self, sampler: Sampler, size: int, tournament: int) -> None:
        super().__init__(sampler)
        self._population: deque[Member] = deque(maxlen=size)
        self._size = size
        self._tournament = tournament

    def bred(self, rng: np.random.Generator) -> tuple[Graph, Json]:
        """Return a mutant of the winner of a tournament, or a random function while the population is not full."""
        if len(self._population) < self._size:
            return self.sampler.random(rng), {"parent": None}
        drawn = rng.integers(self._size, size=self._tournament)
        parent = max(
            (self._population[int(index)] for index in drawn), key=lambda m: (m.fitness, -m.candidate_id)
        )
        child = self.sampler.child(parent.graph, rng)
        if child is None:
            return self.sampler.random(rng), {"parent": None}
        return child, {"parent": parent.candidate_id}

    def add(self, member: Member) -> None:
        """Add a function; the oldest leaves a full population."""
        self._population.append(member)

    def population(self) -> list[Member]:
        """Return the population, oldest first."""
        return list(self._population)


class Guided(Proposer):
    """Breeds several functions for each that is evaluated, and proposes the one that a surrogate finds most promising.

    Args:
        inner: breeds.
        surrogate: learns from every function that was tried.
    """

    def __init__(self, inner: Proposer, surrogate: Surrogate) -> None:
        super().__init__(inner.sampler)
        self._inner, self._surrogate = inner, surrogate

    def propose(self, candidate_id: int) -> tuple[Graph, Json]:
        """Return the most promising of the bred functions; the first one while there is no model, and to explore."""
        from gondwana import activations

        rng = self.sampler.stream(candidate_id)
        if not self._surrogate.ready() or self._surrogate.explores(rng):
            graph, origin = self.bred(rng)
        else:
            options = [self.bred(rng) for _ in range(self._surrogate.settings.candidates)]
            figures = self._surrogate.figures(activations.features([graph for graph, _ in options]))
            best = int(figures.argmax())
            graph, origin = options[best]
            origin = {**origin, "predicted": float(figures[best])}
        self.sampler.remember(graph)
        return graph, origin

    def bred(self, rng: np.random.Generator) -> tuple[Graph, Json]:
        """Return what the search without a surrogate breeds."""
        return self._inner.bred(rng)

    def add(self, member: Member) -> None:
        """Hand the function on."""
        self._inner.add(member)

    def learn(self, graph: Graph, fitness: float | None) -> None:
        """Let the surrogate learn."""
        from gondwana import activations

        self._surrogate.learn(activations.features([graph])[0], fitness)

    def population(self) -> list[Member]:
        """Return the population of the search without a surrogate."""
        return self._inner.population()

    def surrogate(self) -> Surrogate:
        """Return the model."""
        return self._surrogate
