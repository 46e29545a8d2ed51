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
    """Functions that pass the rejections before training."""

    def __init__(self, seed: int, unique: bool, valid: bool) -> None:
        from gondwana.activations import Distinct  # imports Keras, which reading a config does not need

        self._seed = seed
        self._unique = unique
        self._valid = valid
        self._seen = Distinct()

    def stream(self, candidate_id: int) -> np.random.Generator:
        """Return the stream from which a candidate's choices are made."""
        return stream(self._seed, "pangaea", candidate_id)

    def random(self, rng: np.random.Generator) -> Graph:
        """Return a random function."""
        from gondwana import activations

        return self._first(activations.sample(rng) for _ in range(10 * _MAX_TRIES)) or activations.sample(rng)

    def child(self, parent: Graph, rng: np.random.Generator) -> Graph | None:
        """Return a mutant of ``parent`` with new factors; None if none passes."""
        from gondwana import activations

        return self._first(
            activations.parametrize(activations.mutate(parent, rng), rng) for _ in range(_MAX_TRIES)
        )

    def _first(self, graphs: Iterator[Graph]) -> Graph | None:
        return next((graph for graph in graphs if self._accepted(graph)), None)

    def _accepted(self, graph: Graph) -> bool:
        from gondwana import activations

        if self._valid and activations.problem(graph) is not None:
            return False
        return not self._unique or self._seen.add(graph)


class Proposer(ABC):
    """Proposes the function of the next candidate from what it was told of earlier ones."""

    def __init__(self, sampler: Sampler) -> None:
        self._sampler = sampler

    @abstractmethod
    def propose(self, candidate_id: int) -> tuple[Graph, Json]:
        """Return a function and its origin."""

    @abstractmethod
    def add(self, member: Member) -> None:
        """Take in a function whose fitness is at least the validity threshold."""

    @abstractmethod
    def population(self) -> list[Member]:
        """Return the functions that may be parents, oldest first."""


class RandomDraws(Proposer):
    """Every function is drawn afresh."""

    def propose(self, candidate_id: int) -> tuple[Graph, Json]:
        """Return a random function."""
        return self._sampler.random(self._sampler.stream(candidate_id)), {"parent": None}

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

    def propose(self, candidate_id: int) -> tuple[Graph, Json]:
        """Return a mutant of the winner of a tournament, or a random function while the population is not full."""
        rng = self._sampler.stream(candidate_id)
        if len(self._population) < self._size:
            return self._sampler.random(rng), {"parent": None}
        drawn = rng.integers(self._size, size=self._tournament)
        parent = max(
            (self._population[int(index)] for index in drawn), key=lambda m: (m.fitness, -m.candidate_id)
        )
        child = self._sampler.child(parent.graph, rng)
        if child is None:
            return self._sampler.random(rng), {"parent": None}
        return child, {"parent": parent.candidate_id}

    def add(self, member: Member) -> None:
        """Add a function; the oldest leaves a full population."""
        self._population.append(member)

    def population(self) -> list[Member]:
        """Return the population, oldest first."""
        return list(self._population)
