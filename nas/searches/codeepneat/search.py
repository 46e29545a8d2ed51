"""The CoDeepNEAT search (Liang et al. 2019; Miikkulainen et al. 2019; the paper's Section 6): ask and tell."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np

from gondwana.nas.candidate import Candidate, Json, Outcome, make_spec
from gondwana.nas.randomness import stream
from gondwana.nas.searches.best_so_far import BestSoFar
from gondwana.nas.searches.codeepneat.checks import check_network_genes, check_rungs
from gondwana.nas.searches.codeepneat.evolution.best_collaborators import Collaborators
from gondwana.nas.searches.codeepneat.evolution.fitness_assignment import (
    Network,
    assign_fitness,
    by_component,
    objectives,
    preserved,
    worst,
)
from gondwana.nas.searches.codeepneat.evolution.nsga2 import FrontSoFar
from gondwana.nas.searches.codeepneat.evolution.pairing import Team, pair
from gondwana.nas.searches.codeepneat.evolution.population import Fitness, Individual, Population
from gondwana.nas.searches.codeepneat.evolution.reproduction import (
    initial_population,
    next_population,
    random_population,
    repointed,
)
from gondwana.nas.searches.codeepneat.evolution.rungs import Ladder, Step, promotions
from gondwana.nas.searches.codeepneat.genome.space import Alphabet
from gondwana.nas.searches.codeepneat.guide import Births, limited, make_guide
from gondwana.nas.searches.codeepneat.network.plan import plan_network
from gondwana.nas.searches.codeepneat.network.spec import model_spec, training_recipe
from gondwana.nas.searches.codeepneat.settings import EVOLVED, CoDeepNEATSettings
from gondwana.nas.searches.job import SearchJob
from gondwana.nas.searches.protocol import Progress
from gondwana.tasks.training.recipe import Recipe


class CoDeepNEAT:
    """Coevolution of blueprints and modules, generation by generation.

    A generation is handed out as a whole; when the last of its outcomes is in, all of them are worked off in the order
    of candidate ids, so the order in which they arrive changes nothing. All randomness comes from the job's seed.

    Args:
        settings: how to search.
        job: what for.

    Raises:
        ValueError: if the space does not fit the task, or a network-level gene is neither one of the model nor a field
            of the training recipe.
    """

    def __init__(self, settings: CoDeepNEATSettings, job: SearchJob) -> None:
        check_network_genes(settings)
        check_rungs(settings, job)
        self._settings = settings
        self._job = job
        self._generation = 0
        self._waiting: list[Candidate] = []
        self._open: dict[int, tuple[Candidate, Team]] = {}
        self._outcomes: dict[int, Outcome] = {}
        self._results: dict[int, Fitness] = {}
        self._archive: list[Network] = []
        self._collaborators = Collaborators()
        self._history: list[Json] = []
        self._front = FrontSoFar(job.info.chance)
        self._best_so_far = BestSoFar()
        self._guide = make_guide(settings, job, self._described)
        self._births = Births(self._guide, self._within_budget if limited(settings, job) else None)
        self._modules = initial_population(
            settings.module_policy(), settings.space.module_alphabet(), self._stream("modules")
        )
        self._blueprints = initial_population(
            settings.blueprint_policy(), self._blueprint_alphabet(), self._stream("blueprints")
        )
        self._start_generation()
        for candidate in self._waiting:
            Recipe.from_json(candidate.spec["training"])  # refuses a gene out of range before the run begins

    def ask(self, count: int) -> list[Candidate]:
        """Return up to ``count`` candidates of the generation under way, none while it waits for outcomes.

        Raises:
            ValueError: if ``count`` is negative.
        """
        if count < 0:
            raise ValueError(f"the number of candidates asked for is at least 0. Received: {count}")
        given, self._waiting = self._waiting[:count], self._waiting[count:]
        return given

    def tell(self, outcome: Outcome) -> None:
        """Take in an outcome; the last one of a generation starts the next generation.

        Raises:
            ValueError: if the candidate was never asked for, or was told before.
        """
        number = outcome.candidate_id
        if number in self._outcomes or 0 <= number < self._best_so_far.told - len(self._outcomes):
            raise ValueError(f"candidate {number} was told before")
        if number not in self._open or any(candidate.id == number for candidate in self._waiting):
            raise ValueError(f"candidate {number} was never asked for")
        self._outcomes[number] = outcome
        self._best_so_far.add(outcome)
        if len(self._outcomes) == len(self._open):
            self._finish_rung()

    @property
    def finished(self) -> bool:
        """True when the outcomes of all generations are in."""
        return self._generation >= self._job.generations

    def progress(self) -> Progress:
        """Return where the search stands."""
        return Progress(
            generation=min(self._generation, self._job.generations - 1),
            generations=self._job.generations,
            told=self._best_so_far.told,
            total=self._job.generations * self._evaluations_per_generation,
            best_fitness=self._best_so_far.best,
            mean_fitness=self._best_so_far.mean,
            surrogate=None if self._guide is None else self._guide.surrogate.correlation,
        )

    def finalists(self) -> list[Candidate]:
        """Return the preserved networks, best first; with several rungs, those that came furthest."""
        furthest = max((network.reached[0] for network in self._archive if network.reached), default=None)
        return [
            network.candidate
            for network in self._archive
            if network.reached is None or network.reached[0] == furthest
        ]

    def snapshot(self) -> Json:
        """Return populations, species, preserved networks and the history of the generations as JSON."""
        return {
            "kind": "codeepneat",
            "generation": self._generation,
            "told": self._best_so_far.told,
            "blueprints": self._blueprints.to_json(),
            "modules": self._modules.to_json(),
            "preserved": [network.to_json() for network in self._archive],
            "history": [dict(record) for record in self._history],
            **({} if self._guide is None else {"surrogate": self._guide.surrogate.snapshot()}),
        }

    @property
    def _per_generation(self) -> int:
        return self._settings.population.blueprints * self._settings.evaluations

    @property
    def _evaluations_per_generation(self) -> int:
        """Return how many candidates a generation has, those that go on counted once for every rung."""
        fidelity = self._settings.fidelity
        if fidelity is None:
            return self._per_generation
        return sum(promotions(self._per_generation, len(fidelity.rungs), fidelity.keep))

    def _stream(self, purpose: str) -> np.random.Generator:
        return stream(self._job.seed, "codeepneat", purpose, self._generation)

    def _blueprint_alphabet(self) -> Alphabet:
        return self._settings.space.blueprint_alphabet(tuple(self._modules.speciation.members))

    def _start_generation(self) -> None:
        species, rng = self._modules.species(), self._stream("collaborators")
        teams = pair(
            self._blueprints.individuals,
            species,
            self._settings.evaluations,
            self._within_budget,
            self._stream("pairing"),
            lambda blueprint: self._with_best_collaborators(blueprint, species, rng),
        )
        self._teams_of_generation = teams
        self._numbers = list(range(len(teams)))
        self._ladder = self._new_ladder()
        self._start_rung()

    def _new_ladder(self) -> Ladder:
        fidelity = self._settings.fidelity
        if fidelity is None:
            return Ladder(1, 1.0, -math.inf)
        return Ladder(len(fidelity.rungs), fidelity.keep, self._job.info.chance + fidelity.margin)

    def _start_rung(self) -> None:
        """Ask for the networks that are to be trained up to the next rung, or to the end where there is only one."""
        first = self._best_so_far.told
        candidates = [
            self._candidate(first + place, self._teams_of_generation[number], *self._climbed(number))
            for place, number in enumerate(self._numbers)
        ]
        self._open = {
            candidate.id: (candidate, self._teams_of_generation[number])
            for candidate, number in zip(candidates, self._numbers, strict=True)
        }
        self._waiting = candidates
        self._outcomes = {}

    def _finish_rung(self) -> None:
        """Let the better networks go on, or finish the generation if there is no rung above or nobody to reach it."""
        ids = sorted(self._open)
        steps = (Step(self._open[each][0], self._outcomes[each]) for each in ids)
        self._numbers = self._ladder.add(dict(zip(self._numbers, steps, strict=True)))
        if self._numbers:
            self._start_rung()
        else:
            self._finish_generation()

    def _networks(self) -> list[Network]:
        """Return the networks of the generation, each where it came furthest."""
        if self._settings.fidelity is None:
            return [self._network(number) for number in sorted(self._open)]
        found = []
        for number, credit in sorted(self._ladder.credits().items()):
            rung, step = self._ladder.reached(number)
            team = self._teams_of_generation[number]
            reached = None if step.outcome.fitness is None else (rung, step.outcome.fitness)
            fitness = None if credit is None else (credit,)
            modules = tuple(module.id for module in team.modules.values())
            found.append(Network(step.candidate, team.blueprint.id, modules, fitness, reached))
        return found

    def _finish_generation(self) -> None:
        networks = self._networks()
        failed = worst(networks, self._job.info.chance, len(self._settings.objectives))
        blueprints, modules = by_component([*networks, *self._archive], failed)
        self._blueprints = assign_fitness(self._blueprints, blueprints, self._settings.fitness_assignment)
        self._modules = assign_fitness(self._modules, modules, self._settings.fitness_assignment)
        self._archive = preserved([*self._archive, *networks], self._settings.preserved_networks)
        for network in networks:
            self._collaborators.note(network)
            self._learn(network)
        self._history.append(self._record(networks))
        self._generation += 1
        if self.finished:
            self._open, self._outcomes = {}, {}
            return
        self._breed_generation()
        self._start_generation()

    def _breed_generation(self) -> None:
        successor = next_population if self._settings.selection == "fitness" else random_population
        self._modules = successor(
            self._modules,
            self._settings.module_policy(),
            self._settings.space.module_alphabet(),
            self._generation,
            self._stream("modules"),
            self._births.modules(self._blueprints, self._modules),
        )
        self._blueprints = successor(
            self._repointed_blueprints(),
            self._settings.blueprint_policy(),
            self._blueprint_alphabet(),
            self._generation,
            self._stream("blueprints"),
            self._births.blueprints(self._modules),
        )
        self._collaborators.keep(self._blueprints.individuals)

    def _repointed_blueprints(self) -> Population:
        """Return the blueprints, pointing to living species; who changed keeps its best collaborators."""
        blueprints = repointed(self._blueprints, self._modules.speciation.successors)
        self._collaborators.inherit(blueprints.individuals)
        return blueprints

    def _with_best_collaborators(
        self, blueprint: Individual, species: Mapping[int, Sequence[Individual]], rng: np.random.Generator
    ) -> Team | None:
        """Return a network with the blueprint's best collaborators, with the probability of the settings; else None, as
        always in random search."""
        share = self._settings.best_collaborators if self._settings.selection == "fitness" else 0.0
        if not share or rng.random() >= share:
            return None
        return self._collaborators.team(blueprint, species, rng)

    def _network(self, number: int) -> Network:
        candidate, team = self._open[number]
        fitness = objectives(self._outcomes[number], self._settings.objectives, self._results)
        if fitness is not None:
            self._results[number] = fitness
        return Network(
            candidate, team.blueprint.id, tuple(module.id for module in team.modules.values()), fitness
        )

    def _record(self, networks: Sequence[Network]) -> Json:
        values = [network.fitness[0] for network in networks if network.fitness is not None]
        return {
            "generation": self._generation,
            "best": max(values, default=None),
            "mean": math.fsum(values) / len(values) if values else None,
            "failures": len(networks) - len(values),
            "species": {
                name: {str(s): len(m) for s, m in population.speciation.members.items()}
                for name, population in (("blueprints", self._blueprints), ("modules", self._modules))
            },
            "thresholds": {
                "blueprints": self._blueprints.speciation.threshold,
                "modules": self._modules.speciation.threshold,
            },
            **self._rung_record(),
            **self._front_record(networks),
            **({"bred_again": self._births.again} if limited(self._settings, self._job) else {}),
        }

    def _front_record(self, networks: Sequence[Network]) -> Json:
        """Return the hypervolume of the Pareto front so far; nothing with one objective."""
        if len(self._settings.objectives) == 1:
            return {}
        return {"hypervolume": self._front.add([n.fitness for n in networks if n.fitness is not None])}

    def _rung_record(self) -> Json:
        """Return how many networks were trained to each rung, and the best fitness there."""
        if self._settings.fidelity is None:
            return {}
        levels = [[step.outcome.fitness for step in level.values()] for level in self._levels()]
        best = [max((value for value in level if value is not None), default=None) for level in levels]
        return {"rungs": [len(level) for level in levels], "best_by_rung": best}

    def _levels(self) -> Sequence[Mapping[int, Step]]:
        """Return the networks on each rung."""
        return self._ladder.levels

    def _model(self, team: Team) -> Json:
        return model_spec(
            team.blueprint.genome,
            {species: module.genome for species, module in team.modules.items()},
            self._settings.space,
            evolved_initialization=self._settings.initialization.strategy == EVOLVED,
            share_weights=self._settings.share_weights,
        )

    def _described(self, team: Team) -> tuple[Json, Json]:
        return self._model(team), training_recipe(self._job.training, team.blueprint.genome)

    def _learn(self, network: Network) -> None:
        if self._guide is not None:
            self._guide.learn(network.candidate, None if network.fitness is None else network.fitness[0])

    def _within_budget(self, team: Team) -> bool:
        plan = plan_network(self._model(team), self._job.info)
        parameters = self._job.limits.get("max_parameters")
        operations = self._settings.max_multiply_adds
        return (parameters is None or plan.parameters <= parameters) and (
            operations is None or plan.multiply_adds <= operations
        )

    def _climbed(self, number: int) -> tuple[int, tuple[int, int] | None]:
        """Return the next rung of a network of the generation, and the ids of its candidates before."""
        levels = self._ladder.levels
        if not levels:
            return 0, None
        return len(levels), (levels[-1][number].candidate.id, levels[0][number].candidate.id)

    def _candidate(
        self, number: int, team: Team, rung: int = 0, before: tuple[int, int] | None = None
    ) -> Candidate:
        """Return candidate ``number``.

        Args:
            number: its id.
            team: the network.
            rung: to which it is trained, where there are several.
            before: ids of the candidate whose training goes on, and of the one on the lowest rung.
        """
        initialization, fidelity = self._settings.initialization, self._settings.fidelity
        # The genes are in the layers of the spec already; "default" leaves a network as it was built.
        name = "default" if initialization.strategy == EVOLVED else None
        ends_early = fidelity is not None and rung < len(fidelity.rungs) - 1
        spec = make_spec(
            self._job.seed,
            task=self._job.task,
            model=self._model(team),
            initialization=initialization.to_spec(name),
            training=training_recipe(self._job.training, team.blueprint.genome),
            limits=self._job.limits,
            until_epoch=fidelity.rungs[rung] if fidelity is not None and ends_early else None,
        )
        origin = team.origin()
        if fidelity is not None:
            origin["rung"] = rung
        if before is not None:
            origin |= {"continues": before[0], "network": before[1]}
        return Candidate(number, self._generation, spec, origin)
