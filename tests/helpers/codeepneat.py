"""Search spaces, tasks and cheap fitnesses for the tests of the search."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from gondwana.nas.candidate import Candidate, Outcome, State
from gondwana.nas.searches.codeepneat.create import CoDeepNEATConfig
from gondwana.nas.searches.codeepneat.evolution.crossover import crossover
from gondwana.nas.searches.codeepneat.evolution.mutation import Rates, initial_genome, mutate
from gondwana.nas.searches.codeepneat.genome.genome import Genome
from gondwana.nas.searches.codeepneat.genome.space import Alphabet, Space
from gondwana.nas.searches.codeepneat.search import CoDeepNEAT
from gondwana.nas.searches.job import SearchJob
from gondwana.tasks.base import Head, TaskInfo


def head(name: str = "class", units: int = 10) -> Head:
    return Head(name, units, "softmax", "sparse_categorical_crossentropy", "accuracy", 1 / units)


IMAGES = TaskInfo("images", (8, 8, 1), (head(),))
ODD_IMAGES = TaskInfo("odd", (7, 5, 3), (head(units=4),))
TABLE = TaskInfo("table", (14,), (Head("income", 1, "sigmoid", "binary_crossentropy", "accuracy", 0.75),))
TEXT = TaskInfo("text", (12,), (head(units=2),), input_dtype="int32", vocabulary=50)
ALPHABETS = TaskInfo("alphabets", (16, 16, 1), (head("greek", 24), head("latin", 26)))

KERNEL: dict[str, Any] = {
    "activation": ["relu", "linear", "elu", "selu"],
    "kernel_initializer": ["glorot_normal", "glorot_uniform", "he_normal", "he_uniform"],
    "kernel_regularizer": ["l1", "l2", "none"],
    "regularization": {"low": 1e-9, "high": 1e-3, "scale": "log"},
}
NETWORK: dict[str, Any] = {
    "learning_rate": {"low": 1e-4, "high": 1e-2, "scale": "log"},
    "readout": ["flatten", "average", "maximum"],
}
SPACES: dict[str, dict[str, Any]] = {
    "images": {
        "layers": ["Add", "Concatenate", "Conv2D", "Dropout", "MaxPooling2D", "BatchNormalization", "Dense"],
        "genes": KERNEL
        | {
            "filters": {"low": 2, "high": 9},
            "units": {"low": 2, "high": 9},
            "kernel_size": [1, 3],
            "rate": {"low": 0.0, "high": 0.7},
        },
        "network": NETWORK,
    },
    "table": {
        "layers": ["Add", "Concatenate", "Dense", "Dropout"],
        "genes": KERNEL
        | {
            "units": {"low": 2, "high": 9},
            "rate": {"low": 0.0, "high": 0.9},
        },
        "network": {"learning_rate": NETWORK["learning_rate"]},
    },
    "text": {
        "layers": ["Add", "Concatenate", "Conv1D", "GRU", "LSTM", "MaxPooling1D", "SpatialDropout1D"],
        "genes": KERNEL
        | {
            "filters": {"low": 2, "high": 9},
            "units": {"low": 2, "high": 9},
            "kernel_size": [1, 3, 5, 7],
            "rate": {"low": 0.0, "high": 0.5},
        },
        "network": NETWORK | {"embedding_units": {"low": 4, "high": 8}},
    },
}
TASKS = {"images": IMAGES, "table": TABLE, "text": TEXT}
EAGER = Rates(change_hyperparameter=0.5, new_connection=0.5, new_node=0.5)


def space(name: str = "images") -> Space:
    return Space.model_validate(SPACES[name])


def alphabets(name: str = "images") -> dict[str, Alphabet]:
    """Return the alphabets of modules and of blueprints that may point to three species."""
    chosen = space(name)
    return {"modules": chosen.module_alphabet(), "blueprints": chosen.blueprint_alphabet((0, 3, 7))}


def random_genome(alphabet: Alphabet, rng: np.random.Generator, steps: int) -> Genome:
    """Return the end of a chain of mutations and crossovers."""
    pool = [initial_genome(alphabet, int(rng.integers(1, 4)), rng) for _ in range(3)]
    for generation in range(1, steps + 1):
        first, second = (pool[int(i)] for i in rng.integers(len(pool), size=2))
        equal = bool(rng.random() < 0.5)
        child = crossover(first, second, rng, equal=equal, max_nodes=alphabet.max_nodes)
        child, _ = mutate(child, alphabet, EAGER, generation, rng)
        pool[int(rng.integers(len(pool)))] = child
    return pool[-1]


def settings(name: str = "images", **changes: Any) -> CoDeepNEATConfig:
    small: dict[str, Any] = {
        "kind": "codeepneat",
        "population": {"blueprints": 5, "modules": 9},
        "evaluations": 2,
        "species": {"blueprints": 1, "modules": 3},
        "preserved_networks": 4,
        "space": SPACES[name],
    }
    return CoDeepNEATConfig.model_validate(small | changes)


def search(name: str = "images", *, seed: int = 0, generations: int = 4, **changes: Any) -> CoDeepNEAT:
    limits = changes.pop("limits", {})
    return settings(name, **changes).create(
        SearchJob(
            seed=seed,
            generations=generations,
            task={"name": TASKS[name].name, "options": {}},
            info=TASKS[name],
            training={"epochs": 2, "learning_rate": 1e-3},
            limits=limits,
        )
    )


def size_fitness(candidate: Candidate) -> float:
    """Return a fitness that grows with the number of layers up to ten, and with a learning rate near 0.001."""
    model, training = candidate.spec["model"], candidate.spec["training"]
    layers = {name: len(module["layers"]) for name, module in model["modules"].items()}
    depth = sum(layers[node["module"]] for node in model["blueprint"]["nodes"])
    return -abs(depth - 10) / 10 - abs(np.log10(training["learning_rate"]) + 3) / 10


def outcome(candidate: Candidate, fitness: float | None) -> Outcome:
    if fitness is None:
        return Outcome(candidate.id, State.CRASHED, reason="the worker died", seed=candidate.seed)
    return Outcome(candidate.id, State.COMPLETED, fitness, parameters=100, seed=candidate.seed)


def run(
    found: CoDeepNEAT,
    fitness: Callable[[Candidate], float | None] = size_fitness,
    order: Callable[[list[Candidate]], Iterable[Candidate]] = list,
) -> list[Candidate]:
    """Run a search to its end and return its candidates in the order of their ids."""
    candidates: list[Candidate] = []
    while not found.finished:
        asked = found.ask(10_000)
        candidates += asked
        for candidate in order(asked):
            found.tell(outcome(candidate, fitness(candidate)))
    return candidates
