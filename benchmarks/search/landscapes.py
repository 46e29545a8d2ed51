"""Searches on made-up fitnesses whose optimum is known: what a rule of the search does, without training anything.

``python benchmarks/search/landscapes.py --seeds 50 --out FILE.csv`` runs CoDeepNEAT with both rules of speciation on
every landscape, 12 networks a generation, and prints species founded per generation after the first, and the true
fitness of the network that the search would hand over. ``--surrogate`` compares the search without a surrogate with
that with one, both with ``lasting`` species.
"""

from __future__ import annotations

import argparse
import csv
import os
import sys
import time
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from scipy import stats

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

from gondwana.nas.candidate import Outcome, State
from gondwana.nas.searches.codeepneat.create import CoDeepNEATConfig
from gondwana.nas.searches.codeepneat.search import CoDeepNEAT
from gondwana.nas.searches.job import SearchJob
from tests.helpers.codeepneat import IMAGES

RULES: dict[str, dict[str, Any]] = {
    "threshold": {"speciation": "threshold"},
    "lasting": {"speciation": "lasting"},
}
SURROGATE: dict[str, dict[str, Any]] = {
    "without": {"speciation": "lasting"},
    "with": {"speciation": "lasting", "surrogate": True},
}
FOUNDED = 0.3
"""Target: species of modules founded per generation, after the first."""
SPACE: dict[str, Any] = {
    "layers": ["Add", "Conv2D", "Dropout", "MaxPooling2D"],
    "genes": {
        "activation": ["relu", "elu", "selu", "tanh"],
        "filters": {"low": 8, "high": 64, "scale": "log"},
        "kernel_size": [1, 3, 5],
        "rate": {"low": 0.0, "high": 0.5},
    },
    "network": {
        "learning_rate": {"low": 1e-4, "high": 1e-1, "scale": "log"},
        "readout": ["flatten", "average"],
    },
    "max_layers": 6,
    "max_nodes": 6,
}


def near(value: float, target: float, width: float) -> float:
    """Return 1 at the target, falling linearly to 0 at ``width`` from it."""
    return max(0.0, 1.0 - abs(value - target) / width)


def traits(spec: Mapping[str, Any]) -> dict[str, float]:
    """Return what a landscape looks at, each from 0 to 1, all 1 at the optimum."""
    model = spec["model"]
    layers = [
        layer for node in model["blueprint"]["nodes"] for layer in model["modules"][node["module"]]["layers"]
    ]
    convolutions = [layer["genes"] for layer in layers if layer["type"] == "Conv2D"]
    rates = [layer["genes"]["rate"] for layer in layers if layer["type"] == "Dropout"]

    def mean(values: Iterable[float]) -> float:
        found = list(values)
        return float(np.mean(found)) if found else 0.0

    return {
        "depth": near(len(layers), 9, 9),
        "filters": near(mean(np.log2(genes["filters"]) for genes in convolutions), 5, 2),
        "elu": mean(genes["activation"] == "elu" for genes in convolutions),
        "kernel": mean(genes["kernel_size"] == 5 for genes in convolutions),
        "dropout": mean(near(rate, 0.2, 0.3) for rate in rates),
        "rate": near(float(np.log10(spec["training"]["learning_rate"])), -2.5, 1.5),
        "blueprint": near(len(model["blueprint"]["edges"]), 7, 6),
    }


def additive(spec: Mapping[str, Any]) -> float:
    """Each trait counts by itself."""
    return float(np.mean(list(traits(spec).values())))


def interacting(spec: Mapping[str, Any]) -> float:
    """Traits count in pairs only: one of a pair without the other is worth little."""
    t = traits(spec)
    pairs = [("depth", "filters"), ("elu", "rate"), ("kernel", "blueprint"), ("dropout", "depth")]
    return float(np.mean([t[a] * t[b] for a, b in pairs]))


def deceptive(spec: Mapping[str, Any]) -> float:
    """A trap: simple networks are worth 0.6 and what is on the way to the optimum is worth less."""
    t = traits(spec)
    simple = 1.0 - t["depth"]
    trap = 1.0 if t["depth"] > 0.85 else 0.6 * simple
    return 0.5 * trap + 0.5 * float(
        np.mean([t[name] for name in ("filters", "elu", "kernel", "rate", "dropout")])
    )


LANDSCAPES: dict[str, Callable[[Mapping[str, Any]], float]] = {
    "additive": additive,
    "interacting": interacting,
    "deceptive": deceptive,
    "noisy": additive,
}
NOISE = 0.05
"""Standard deviation of what is added on the noisy landscape; decided by the candidate's seed."""


def make_search(seed: int, generations: int, **changes: Any) -> CoDeepNEAT:
    """Return a search with 12 modules, 6 blueprints and 12 networks a generation."""
    settings = {
        "kind": "codeepneat",
        "population": {"blueprints": 6, "modules": 12},
        "evaluations": 2,
        "species": {"blueprints": 1, "modules": 4},
        "preserved_networks": 4,
        "space": SPACE,
        **changes,
    }
    job = SearchJob(
        seed=seed,
        generations=generations,
        task={"name": "images", "options": {}},
        info=IMAGES,
        training={"epochs": 1, "learning_rate": 1e-3},
    )
    return CoDeepNEATConfig.model_validate(settings).create(job)


def run(landscape: str, search: CoDeepNEAT) -> dict[str, float]:
    """Lead a search to its end on a landscape; return the figures of its row."""
    value = LANDSCAPES[landscape]
    first = search.snapshot()["modules"]["species_founded"]
    while not search.finished:
        for candidate in search.ask(10_000):
            seen = value(candidate.spec)
            if landscape == "noisy":
                seen += NOISE * float(np.random.default_rng(candidate.seed).normal())
            search.tell(Outcome(candidate.id, State.COMPLETED, seen, parameters=1, seed=candidate.seed))
    state = search.snapshot()
    generations = max(1, search.progress().generations - 1)
    return {
        "founded": (state["modules"]["species_founded"] - first) / generations,
        "species": float(len(state["modules"]["species"])),
        "fitness": value(search.finalists()[0].spec),
    }


def main() -> int:
    """Run all, append rows, print a table; 1 if a target is missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=50)
    parser.add_argument("--first-seed", type=int, default=0)
    parser.add_argument("--generations", type=int, default=30)
    parser.add_argument("--landscapes", nargs="+", choices=list(LANDSCAPES), default=list(LANDSCAPES))
    parser.add_argument("--surrogate", action="store_true", help="compare with and without one")
    parser.add_argument("--out", type=Path, help="CSV, one row a search")
    arguments = parser.parse_args()
    rules = SURROGATE if arguments.surrogate else RULES
    rows: list[dict[str, Any]] = []
    begin = time.monotonic()
    for landscape in arguments.landscapes:
        for seed in range(arguments.first_seed, arguments.first_seed + arguments.seeds):
            for rule, changes in rules.items():
                search = make_search(seed, arguments.generations, **changes)
                rows.append({"landscape": landscape, "rule": rule, "seed": seed, **run(landscape, search)})
    if arguments.out is not None:
        with arguments.out.open("w", encoding="utf-8", newline="") as stream:
            writer = csv.DictWriter(stream, list(rows[0]))
            writer.writeheader()
            writer.writerows(rows)
    missed = [_compare(landscape, rows, list(rules)) for landscape in arguments.landscapes]
    print(f"{time.monotonic() - begin:.0f} s")
    return int(any(missed))


def _compare(landscape: str, rows: list[dict[str, Any]], rules: list[str]) -> bool:
    """Print the line of a landscape; return whether a target is missed."""
    old, new = (
        {row["seed"]: row for row in rows if row["landscape"] == landscape and row["rule"] == rule}
        for rule in rules
    )
    gains = np.array([new[seed]["fitness"] - old[seed]["fitness"] for seed in old])
    p = float(stats.wilcoxon(gains).pvalue) if np.any(gains) else 1.0
    error = float(gains.std(ddof=1) / np.sqrt(len(gains))) if len(gains) > 1 else 0.0
    founded = [float(np.mean([row["founded"] for row in group.values()])) for group in (old, new)]
    fitness = [float(np.mean([row["fitness"] for row in group.values()])) for group in (old, new)]
    worse = gains.mean() < 0 and p < 0.05
    many = founded[1] > FOUNDED
    verdict = "WORSE" if worse else "higher" if gains.mean() >= 0 else "not shown to be lower"
    print(
        f"{landscape:<12} founded per generation {founded[0]:.2f} -> {founded[1]:.2f} {'MISSED' if many else 'met'}; "
        f"final fitness {fitness[0]:.4f} -> {fitness[1]:.4f}, difference {gains.mean():+.4f} "
        f"(standard error {error:.4f}, Wilcoxon p = {p:.3f}) {verdict}"
    )
    return worse or many


if __name__ == "__main__":
    raise SystemExit(main())
