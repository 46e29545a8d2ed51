"""Individuals and populations: genomes with identity, fitness and history. Values; nothing here decides anything."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

from gondwana.nas.candidate import Json
from gondwana.nas.searches.codeepneat.evolution.speciation import Speciation
from gondwana.nas.searches.codeepneat.genome.genome import Genome

Fitness = tuple[float, ...]
"""One figure per objective, larger is better; the first is the task's metric."""


@dataclass(frozen=True, slots=True)
class Individual:
    """A genome in a population.

    Attributes:
        id: unique in its population's history.
        genome: what it is.
        born: generation in which it came about.
        parents: ids of the individuals that it comes from.
        operators: names of the operators that made it, in order.
        fitness: mean over the networks that it took part in when it last did; None before the first.
    """

    id: int
    genome: Genome
    born: int
    parents: tuple[int, ...] = ()
    operators: tuple[str, ...] = ()
    fitness: Fitness | None = None

    def to_json(self) -> Json:
        """Return the individual as JSON."""
        return {
            "id": self.id,
            "born": self.born,
            "parents": list(self.parents),
            "operators": list(self.operators),
            "fitness": None if self.fitness is None else list(self.fitness),
            "genome": self.genome.to_json(),
        }


@dataclass(frozen=True, slots=True)
class Record:
    """How good a species has been.

    Attributes:
        best: best first objective of any member so far.
        since: generation in which it was reached.
    """

    best: float
    since: int


@dataclass(frozen=True, slots=True)
class Population:
    """All blueprints or all modules of a generation.

    Attributes:
        individuals: its members.
        speciation: their species.
        records: past performance by species id.
        counted: number of individuals so far, which is the id of the next one.
    """

    individuals: tuple[Individual, ...]
    speciation: Speciation
    records: Mapping[int, Record] = field(default_factory=dict)
    counted: int = 0

    def species(self) -> dict[int, tuple[Individual, ...]]:
        """Return the members of each species."""
        return {
            species: tuple(self.individuals[position] for position in members)
            for species, members in self.speciation.members.items()
        }

    def _known_record(self, species: int) -> Record | None:
        """Return the record of a species; None if none of its members has been in a network yet."""
        record = self.records.get(species)
        return record if record is not None and math.isfinite(record.best) else None

    def to_json(self) -> Json:
        """Return the population as JSON, individuals in the order of their ids."""
        species = {
            str(name): {
                "members": sorted(individual.id for individual in members),
                "representative": self.speciation.representatives[name].to_json(),
                "best": record.best if record is not None else None,
                "best_since": record.since if record is not None else None,
            }
            for name, members in self.species().items()
            for record in [self._known_record(name)]
        }
        return {
            "individuals": [each.to_json() for each in sorted(self.individuals, key=lambda each: each.id)],
            "species": species,
            "threshold": self.speciation.threshold,
            "species_founded": self.speciation.founded,
            "individuals_counted": self.counted,
        }
