"""Searches without selection: their candidates are fixed by config and seed before anything is trained.

:class:`CompareSettings` is the experiment of the paper's Section 7: randomly drawn activation functions, each trained
with several initialization strategies, beside ReLU as the baseline.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, Literal

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    NonNegativeInt,
    PositiveInt,
    model_validator,
)

from gondwana.nas.candidate import RESULTS, Candidate, Json, Outcome, make_spec
from gondwana.nas.randomness import stream
from gondwana.nas.searches.best_so_far import BestSoFar
from gondwana.nas.searches.initialization import Strategy, StrategyItem
from gondwana.nas.searches.job import SearchJob
from gondwana.nas.searches.preflight import check_experiment
from gondwana.nas.searches.protocol import Progress

RELU = "relu(x)"


class SettingsError(ValueError):
    """The ``search`` section of a config asks for something that cannot be done."""


class PlannedSearch:
    """Ask and tell over a list of candidates that is known from the start.

    Nothing depends on the order in which outcomes arrive.

    Args:
        candidates: with ids 0, 1, 2, ... in this order.
        summary: static part of :meth:`snapshot`.
        finalists: number of candidates that are worth the test split.

    Raises:
        ValueError: if the ids are not 0, 1, 2, ...
    """

    def __init__(
        self, candidates: Sequence[Candidate], *, summary: Mapping[str, Any], finalists: int = 10
    ) -> None:
        if any(candidate.id != index for index, candidate in enumerate(candidates)):
            raise ValueError("the ids of planned candidates must be 0, 1, 2, ... in order")
        self._candidates = tuple(candidates)
        self._summary = dict(summary)
        self._finalists = finalists
        self._asked = 0
        self._outcomes: dict[int, Outcome] = {}
        self._best_so_far = BestSoFar()

    def ask(self, count: int) -> list[Candidate]:
        """Return the next ``count`` candidates, fewer at the end of the list."""
        chosen = self._candidates[self._asked : self._asked + max(count, 0)]
        self._asked += len(chosen)
        return list(chosen)

    def tell(self, outcome: Outcome) -> None:
        """Take in the outcome of a candidate that was asked for.

        Raises:
            ValueError: if the candidate was never asked for, or was told before.
        """
        if not 0 <= outcome.candidate_id < self._asked:
            raise ValueError(f"candidate {outcome.candidate_id} was never asked for")
        if outcome.candidate_id in self._outcomes:
            raise ValueError(f"the outcome of candidate {outcome.candidate_id} was told before")
        self._outcomes[outcome.candidate_id] = outcome
        self._best_so_far.add(outcome)

    @property
    def finished(self) -> bool:
        """True when every outcome is in."""
        return len(self._outcomes) == len(self._candidates)

    def progress(self) -> Progress:
        """Return where the search stands; it has one generation."""
        return Progress(
            generation=0,
            generations=1,
            told=len(self._outcomes),
            total=len(self._candidates),
            best_fitness=self._best_so_far.best,
            mean_fitness=self._best_so_far.mean,
        )

    def finalists(self) -> list[Candidate]:
        """Return the candidates of largest fitness, the earlier asked first among equals."""
        scored = [
            (-outcome.fitness, index)
            for index, outcome in self._outcomes.items()
            if outcome.fitness is not None
        ]
        return [self._candidates[index] for _, index in sorted(scored)[: self._finalists]]

    def snapshot(self) -> Json:
        """Return what was planned, and the fitness of every candidate by id (None: no result)."""
        fitness = {
            str(index): self._outcomes[index].fitness if self._outcomes[index].state in RESULTS else None
            for index in sorted(self._outcomes)
        }
        return {**self._summary, "fitness": fitness}


class Frozen(BaseModel):
    """Settings that cannot be changed and refuse keys that they do not know."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Architecture(Frozen):
    """A fixed network of ``gondwana.tasks.architectures``.

    Attributes:
        name: registered name.
        options: keyword options of its builder, JSON.
    """

    name: str
    options: dict[str, Any] = Field(default_factory=dict)


def default_strategies() -> tuple[Strategy, ...]:
    """Return the three strategies of the paper's Section 7; its "default" is Glorot uniform."""
    return tuple(Strategy(strategy=name) for name in ("glorot_uniform", "autoinit", "autoinit++"))


class CompareSettings(Frozen):
    """The ``search`` section of a config with ``kind: compare``.

    Attributes:
        functions: number of activation functions drawn, per strategy when not ``paired``.
        strategies: initialization strategies, each a name or ``{strategy, options}``; the first one also trains the
            baseline.
        architecture: network in which the functions are used.
        paired: True gives every strategy the same functions, which allows the stronger paired tests; False draws
            functions for each strategy independently, as the paper does.
        replicates: trainings of every function and strategy, each with a seed of its own.
        baseline: activation function to beat, in graph notation.
        baseline_replicates: trainings of the baseline; their mean is the value to beat.
        unique: reject a function equal to an earlier one. False as in the paper; a text that is drawn twice is then
            trained twice, with two seeds.
        valid: reject a function that is constant, not finite or without Gaussian moments. False as in the paper.
        margin: a training counts as failed when its fitness is at most the chance level plus this margin. Chance
            accuracy scatters with the size of the validation split: its standard deviation is 0.016 for 10 classes
            and 360 examples.
    """

    kind: Literal["compare"] = "compare"
    functions: PositiveInt = 200
    strategies: tuple[StrategyItem, ...] = Field(default_factory=default_strategies, min_length=1)
    architecture: Architecture
    paired: bool = True
    replicates: PositiveInt = 1
    baseline: str = RELU
    baseline_replicates: NonNegativeInt = 3
    unique: bool = False
    valid: bool = False
    margin: float = Field(default=0.02, ge=0.0, lt=1.0)

    @model_validator(mode="after")
    def _distinct(self) -> CompareSettings:
        names = group_names(self.strategies)
        twice = sorted(name for name, count in Counter(names).items() if count > 1)
        if twice:
            raise ValueError(
                f"strategies are compared with each other, so each may stand once. Received: {twice} twice"
            )
        return self

    def create(self, job: SearchJob) -> PlannedSearch:
        """Draw the functions and plan every training.

        Args:
            job: what to compare on; one generation, since a comparison breeds nothing.

        Raises:
            ValueError: if ``job.generations`` is not 1, or architecture, strategies or baseline do not exist.
        """
        if job.generations != 1:
            raise SettingsError(
                f"a comparison has one generation: set generations to 1. Received: {job.generations}"
            )
        check_experiment(job.info, [self.architecture], self.strategies, [self.baseline])
        spec = SpecFactory(job.seed, job.task, self.architecture, job.training, job.limits)
        functions = self._draw(job.seed)
        plan: list[tuple[Json, Json]] = []
        for replicate in range(self.baseline_replicates):
            origin = {"role": "baseline", "strategy": group_names(self.strategies)[0], "replicate": replicate}
            plan.append((spec(self.baseline, self.strategies[0], replicate), origin))
        # Strategies alternate, so that a comparison of an unfinished run is balanced.
        for index in range(self.functions):
            for name, strategy in zip(group_names(self.strategies), self.strategies, strict=True):
                text, earlier = functions[name][index]
                for replicate in range(self.replicates):
                    origin = {"role": "function", "strategy": name, "function": index, "replicate": replicate}
                    plan.append((spec(text, strategy, earlier * self.replicates + replicate), origin))
        candidates = [
            Candidate(
                id=number,
                generation=0,
                spec=spec_json,
                origin={**origin, "text": spec_json["model"]["activation"]},
            )
            for number, (spec_json, origin) in enumerate(plan)
        ]
        return PlannedSearch(candidates, summary=self._summary(functions))

    def _draw(self, seed: int) -> dict[str, list[tuple[str, int]]]:
        """Return, for each strategy, the texts with the number of times each stood before it in the list."""
        from gondwana import activations  # imports Keras, which reading a config does not need

        def draw(*identity: str) -> list[tuple[str, int]]:
            rng = stream(seed, "compare", *identity)
            seen: Counter[str] = Counter()
            drawn = []
            for graph in activations.sample(rng, self.functions, unique=self.unique, valid=self.valid):
                text = str(graph)
                drawn.append((text, seen[text]))
                seen[text] += 1
            return drawn

        names = group_names(self.strategies)
        if self.paired:
            shared = draw("functions")
            return dict.fromkeys(names, shared)
        return {name: draw("functions", name) for name in names}

    def _summary(self, functions: Mapping[str, Sequence[tuple[str, int]]]) -> Json:
        return {
            "kind": self.kind,
            "paired": self.paired,
            "strategies": list(group_names(self.strategies)),
            "baseline": self.baseline,
            "functions": {name: [text for text, _ in drawn] for name, drawn in functions.items()},
        }


def group_names(strategies: Sequence[Strategy]) -> tuple[str, ...]:
    """Return one name for each strategy: its name, with its options if it has any."""
    return tuple(
        item.strategy
        if not item.options
        else f"{item.strategy}({', '.join(f'{key}={value}' for key, value in sorted(item.options.items()))})"
        for item in strategies
    )


class SpecFactory:
    """Makes the specs of a search over activation functions in one fixed architecture.

    Args:
        seed: the run's seed.
        task: ``{"name": ..., "options": {...}}``.
        architecture: network in which the functions are used.
        training, limits: as in :func:`gondwana.nas.candidate.make_spec`.
        shared_seeds: let a replicate have the same training seed under every strategy, so that the draws of its
            weights, the order of its examples and its dropout masks are the same, too.
    """

    def __init__(
        self,
        seed: int,
        task: Mapping[str, Any],
        architecture: Architecture,
        training: Mapping[str, Any],
        limits: Mapping[str, Any] | None,
        *,
        shared_seeds: bool = False,
    ) -> None:
        self._shared_seeds = shared_seeds
        self._seed = seed
        self._task = task
        self._architecture = architecture
        self._training = training
        self._limits = limits

    def __call__(
        self, activation: str, strategy: Strategy, replicate: int, changes: Mapping[str, Any] | None = None
    ) -> Json:
        """Return the spec of one training; ``changes`` replace fields of the training."""
        model = {
            "kind": "architecture",
            "name": self._architecture.name,
            "options": self._architecture.options,
            "activation": activation,
        }
        return make_spec(
            self._seed,
            task=self._task,
            model=model,
            initialization=strategy.to_spec(),
            training={**self._training, **(changes or {})},
            limits=self._limits,
            replicate=replicate,
            shared_seed=self._shared_seeds,
        )
