"""Settings of the search: the ``search:`` section of a config with ``kind: codeepneat``.

Names follow the paper's Table 1; its suffixes (B) and (M) are the keys ``blueprints`` and ``modules``. What the paper
leaves open is defined in docs/codeepneat.md.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from gondwana.nas.searches.codeepneat.evolution.fitness_assignment import FitnessAssignment
from gondwana.nas.searches.codeepneat.evolution.mutation import Rates
from gondwana.nas.searches.codeepneat.evolution.reproduction import Policy, SpeciationRule
from gondwana.nas.searches.codeepneat.genome.space import Space
from gondwana.nas.searches.initialization import Initialization, InitializationItem
from gondwana.nas.searches.surrogate.settings import NetworkSurrogateItem

Count = Annotated[int, Field(ge=1)]
Share = Annotated[float, Field(ge=0, le=1)]

EVOLVED = "evolved"
"""Name of the initialization strategy that leaves every layer with the initializer of its own gene."""


class _Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Counts(_Section):
    """A number for each population."""

    blueprints: Count
    modules: Count


class Shares(_Section):
    """A share, from 0 to 1, for each population."""

    blueprints: Share
    modules: Share


class Sizes(_Section):
    """Smallest and largest number of nodes of the initial genomes."""

    blueprints: tuple[Count, Count] = (1, 3)
    modules: tuple[Count, Count] = (1, 2)

    @model_validator(mode="after")
    def _check_order(self) -> Self:
        for name in ("blueprints", "modules"):
            low, high = getattr(self, name)
            if low > high:
                raise ValueError(f"'{name}' is [smallest, largest]. Received: [{low}, {high}]")
        return self


def _for_both(data: Any) -> Any:
    """Read a single number as one for both populations."""
    return {"blueprints": data, "modules": data} if isinstance(data, int | float) else data


_FOR_BOTH = BeforeValidator(_for_both, json_schema_input_type=float | Shares)


class Mutation(_Section):
    """Probabilities of the mutations (Table 1).

    Attributes:
        change_hyperparameter: that a node's, or the genome's own, hyperparameters change in one place; per node.
        new_connection: that an offspring gets a connection.
        new_layer: that an offspring module gets a layer.
        new_node: that an offspring blueprint gets a node.
    """

    change_hyperparameter: Share = 0.25
    new_connection: Annotated[Shares, _FOR_BOTH] = Shares(blueprints=0.12, modules=0.08)
    new_layer: Share = 0.08
    new_node: Share = 0.16


class Fidelity(_Section):
    """Networks are trained a little first, and the better ones further (successive halving).

    Attributes:
        rungs: numbers of epochs after which networks are compared, ascending; the last one is the whole training.
        keep: share of the networks of a rung that goes on to the next.
        margin: a network goes on only if its fitness exceeds that of guessing by more than this. Chance accuracy
            scatters with the size of the validation split, and a network may give the most frequent class.
    """

    rungs: Annotated[tuple[Count, ...], Field(min_length=2)]
    keep: Annotated[float, Field(gt=0, lt=1)] = 0.33
    margin: Annotated[float, Field(ge=0, lt=1)] = 0.02

    @model_validator(mode="after")
    def _check_order(self) -> Self:
        if list(self.rungs) != sorted(set(self.rungs)):
            raise ValueError(f"'rungs' are ascending numbers of epochs. Received: {list(self.rungs)}")
        return self


Objective = Literal["fitness", "parameters", "training_seconds"]


class CoDeepNEATSettings(_Section):
    """The ``search:`` section of a config.

    Attributes:
        kind: ``codeepneat``.
        mode: ``generational`` waits for the last outcome of a generation, and makes the same run on any number of
            workers; ``steady`` breeds a network whenever a worker is free, from the outcomes that are in.
        population: number of blueprints and of modules.
        evaluations: networks that are made of each blueprint in a generation ("Evaluations (B)").
        best_collaborators: probability that the modules of a network are not dealt but are those that its blueprint did
            best with, one of them replaced by a child.
        fitness_assignment: what a component gets of the networks that it took part in: their ``mean`` fitness, or
            that of the ``best`` one.
        elitism: share of each species that survives unchanged.
        species: wanted number of species.
        mutation: probabilities of the mutations.
        crossover: probability that an offspring has two parents.
        parents: share of each species, the best of it, that has offspring.
        preserved_networks: number of the best networks so far whose results go on counting, and which are the
            finalists.
        stagnation: generations without a new best after which a species dies out.
        random_immigrants: probability that an offspring has no parents but is drawn anew, as in random search.
        initial_sizes: numbers of nodes of the initial genomes.
        speciation: how species go on: ``threshold``, or ``lasting`` for small populations.
        initialization: how networks are initialized.
        selection: ``fitness``, or ``random`` for random search in the same space: every generation is drawn anew.
        objectives: ``fitness`` alone, or with ``parameters`` or ``training_seconds``, both of which are minimized.
        fidelity: train all networks a little and the better ones further; None trains each to the end.
        share_weights: whether the instances of a module in one network have the same weights.
        max_multiply_adds: networks that need more for one example are not made; None for no limit.
        breed_within_limits: offspring whose network would exceed ``limits.max_parameters`` or ``max_multiply_adds``
            in good company are bred again, at most 12 times; ``bred_again`` in the history counts them.
        surrogate: learn from all outcomes which of several offspring to go on with; ``true``, ``false`` or settings.
        space: the search space.
    """

    kind: Literal["codeepneat"]
    mode: Literal["generational", "steady"] = "generational"
    population: Counts = Counts(blueprints=22, modules=56)
    evaluations: Count = 4
    best_collaborators: Share = 0.0
    fitness_assignment: FitnessAssignment = "mean"
    elitism: Annotated[Shares, _FOR_BOTH] = Shares(blueprints=0.4, modules=0.4)
    species: Counts = Counts(blueprints=1, modules=4)
    mutation: Mutation = Mutation()
    crossover: Share = 0.3
    parents: Annotated[float, Field(gt=0, le=1)] = 0.5
    preserved_networks: Count = 12
    stagnation: Count = 15
    random_immigrants: Share = 0.0
    initial_sizes: Sizes = Sizes()
    speciation: SpeciationRule = "threshold"
    initialization: InitializationItem = Initialization()
    selection: Literal["fitness", "random"] = "fitness"
    objectives: Annotated[tuple[Objective, ...], Field(min_length=1)] = ("fitness",)
    fidelity: Fidelity | None = None
    share_weights: bool = False
    max_multiply_adds: Count | None = None
    breed_within_limits: bool = True
    surrogate: NetworkSurrogateItem = None
    space: Space

    @model_validator(mode="after")
    def _check_together(self) -> Self:
        if self.objectives[0] != "fitness" or len(set(self.objectives)) != len(self.objectives):
            raise ValueError(
                f"'objectives' starts with 'fitness' and names each once. Received: {self.objectives}"
            )
        if self.fidelity is not None and self.objectives != ("fitness",):
            raise ValueError(
                f"'fidelity' compares networks by fitness alone; leave out 'objectives'. Received: {self.objectives}"
            )
        if self.fidelity is not None and "epochs" in self.space.network:
            raise ValueError("'fidelity' decides the epochs; leave 'epochs' out of 'space.network'")
        for name in ("blueprints", "modules"):
            size, wanted = getattr(self.population, name), getattr(self.species, name)
            if wanted > size:
                raise ValueError(f"{size} {name} cannot form {wanted} species; lower 'species.{name}'")
        if self.initial_sizes.modules[0] > self.space.max_layers:
            raise ValueError("'initial_sizes.modules' exceeds 'space.max_layers'")
        if self.initial_sizes.blueprints[0] > self.space.max_nodes:
            raise ValueError("'initial_sizes.blueprints' exceeds 'space.max_nodes'")
        return self

    def blueprint_policy(self) -> Policy:
        """Return how blueprints evolve."""
        return self._policy("blueprints", self.mutation.new_node)

    def module_policy(self) -> Policy:
        """Return how modules evolve."""
        return self._policy("modules", self.mutation.new_layer)

    def _policy(self, population: Literal["blueprints", "modules"], new_node: float) -> Policy:
        rates = Rates(
            change_hyperparameter=self.mutation.change_hyperparameter,
            new_connection=getattr(self.mutation.new_connection, population),
            new_node=new_node,
        )
        return Policy(
            size=getattr(self.population, population),
            species=getattr(self.species, population),
            elitism=getattr(self.elitism, population),
            parents=self.parents,
            crossover=self.crossover,
            stagnation=self.stagnation,
            random_immigrants=self.random_immigrants,
            rates=rates,
            initial_sizes=getattr(self.initial_sizes, population),
            speciation=self.speciation,
        )
