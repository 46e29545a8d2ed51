"""Searches for activation functions, simulated on a table: evaluations until one of the best functions is found.

``python benchmarks/search/on_tables.py --seeds 200 --first-seed 1 --out FILE.csv`` answers every search from the
table of ``benchmarks/search/tables/``, one evaluation after the other. A search sees the fitness of one training; it
has found a function if that is among the best by the mean over the trainings of each. All searches draw from the
functions that are in the table. Settings were tuned on even seeds; ``--step 2`` keeps to the odd ones.
"""

from __future__ import annotations

import argparse
import csv
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
from scipy import stats

from gondwana.activations import Graph
from gondwana.nas.candidate import Outcome
from gondwana.nas.engine.pools.table import Entry, Table, read_table
from gondwana.nas.searches.pangaea.proposers import Evolution, Guided, Proposer, RandomDraws, Sampler
from gondwana.nas.searches.pangaea.search import FunctionSearch, PangaeaSettings, RandomSettings
from gondwana.nas.searches.planned import SpecFactory
from gondwana.nas.searches.surrogate.settings import SurrogateSettings
from gondwana.nas.searches.surrogate.surrogate import Surrogate

TABLE = Path(__file__).with_name("tables") / "mnist-functions.jsonl.gz"
POPULATION, TOURNAMENT = 64, 16
BARS = {"random": 0.5, "evolution": 0.7}
"""Targets: median evaluations of the surrogate's search over those of the other, to one of the ten best functions."""


class InTable(Sampler):
    """Makes only functions of the minimal forms that a table holds."""

    def __init__(self, seed: int, table: Table, known: dict[str, bool]) -> None:
        super().__init__(seed, unique=True, valid=True, minimal=True)
        self._table, self._known = table, known

    def _accepted(self, graph: Graph) -> bool:
        text = graph.text
        if text not in self._known:
            self._known[text] = self._table.find_function(text) is not None
        return self._known[text] and super()._accepted(graph)


def contestants(changes: dict[str, Any]) -> dict[str, Callable[[Sampler, int], Proposer]]:
    """Return who is compared, by name."""

    def evolution(sampler: Sampler, seed: int) -> Proposer:
        return Evolution(sampler, POPULATION, TOURNAMENT)

    def guided(inner: Callable[[Sampler, int], Proposer]) -> Callable[[Sampler, int], Proposer]:
        settings = SurrogateSettings(**changes)
        return lambda sampler, seed: Guided(inner(sampler, seed), Surrogate(settings, seed))

    def draws(sampler: Sampler, seed: int) -> Proposer:
        return RandomDraws(sampler)

    return {
        "random": draws,
        "evolution": evolution,
        "random+surrogate": guided(draws),
        "evolution+surrogate": guided(evolution),
    }


def value(entry: Entry) -> float:
    """Return the mean fitness of a function's trainings, a failure at 0."""
    return float(np.mean([result["fitness"] or 0.0 for result in entry.results]))


def run(name: str, proposer: Proposer, table: Table, seed: int, best: dict[str, int], most: int) -> list[int]:
    """Return after how many evaluations each of the goals was met, ``most`` if it was not."""
    kind = RandomSettings if name.startswith("random") else PangaeaSettings
    common = table.common
    settings = kind(
        architecture={name: common["model"][name] for name in ("name", "options")},
        initialization=common["initialization"],
        evaluations=most,
        lag=1,
        forms="minimal",
    )
    spec = SpecFactory(seed, common["task"], settings.architecture, common["training"], {})
    search = FunctionSearch(settings, proposer, spec, 1)
    goals = sorted(set(best.values()))
    met: dict[int, int] = {}
    for number in range(1, most + 1):
        (candidate,) = search.ask(1)
        report = table.answer(candidate.spec)
        search.tell(Outcome(candidate.id, report.state, report.fitness, reason=report.reason))
        entry = table.find(candidate.spec)
        goal = None if entry is None else best.get(str(entry.of["function"]))
        for each in goals:
            if goal is not None and goal <= each:
                met.setdefault(each, number)
        if len(met) == len(goals):
            break
    return [met.get(goal, most) for goal in goals]


def main() -> int:
    """Run all, append rows, print a table; 1 if a target is missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--table", type=Path, default=TABLE)
    parser.add_argument("--seeds", type=int, default=200)
    parser.add_argument("--first-seed", type=int, default=1)
    parser.add_argument("--step", type=int, default=2, help="between seeds")
    parser.add_argument("--most", type=int, default=400, help="evaluations of a search")
    parser.add_argument(
        "--set", nargs="*", default=[], help="settings of the surrogate, such as candidates=32"
    )
    parser.add_argument("--contestants", nargs="+")
    parser.add_argument("--out", type=Path, help="CSV, one row a search")
    arguments = parser.parse_args()
    table = read_table(arguments.table)
    ranked = sorted(table.entries, key=lambda entry: (-value(entry), str(entry.of["function"])))
    goals = {"top 1": 1, "top 10": 10, "top 1%": max(1, round(0.01 * len(ranked)))}
    best = {
        str(entry.of["function"]): min(goal for goal in goals.values() if goal > place)
        for place, entry in enumerate(ranked[: max(goals.values())])
    }
    names = sorted(goals, key=lambda name: goals[name])
    known: dict[str, bool] = {}
    found: dict[str, list[list[int]]] = {}
    rows: list[dict[str, Any]] = []
    pairs = (item.partition("=") for item in arguments.set)
    changes = {key: float(text) if "." in text else int(text) for key, _, text in pairs}
    for name, make in contestants(changes).items():
        if arguments.contestants and name not in arguments.contestants:
            continue
        begin = time.process_time()
        for number in range(arguments.seeds):
            seed = arguments.first_seed + number * arguments.step
            proposer = make(InTable(seed, table, known), seed)
            met = run(name, proposer, table, seed, best, arguments.most)
            found.setdefault(name, []).append(met)
            rows.append({"contestant": name, "seed": seed, **dict(zip(names, met, strict=True))})
        spent = (time.process_time() - begin) / sum(max(met) for met in found[name]) * 1e3
        figures = ", ".join(
            f"{goal}: median {np.median(column):.0f}, mean {np.mean(column):.0f}"
            for goal, column in zip(names, zip(*found[name], strict=True), strict=True)
        )
        print(f"{name:<20} {figures} ({spent:.2f} ms an evaluation)", flush=True)
    if arguments.out is not None:
        with arguments.out.open("w", encoding="utf-8", newline="") as stream:
            writer = csv.DictWriter(stream, list(rows[0]))
            writer.writeheader()
            writer.writerows(rows)
    return _judged({name: np.array(values) for name, values in found.items()}, names)


def _judged(found: dict[str, np.ndarray], names: list[str]) -> int:
    """Print the ratios that there are targets for; return whether one is missed."""
    ours, place, missed = found.get("evolution+surrogate"), names.index("top 10"), 0
    for other, bar in BARS.items():
        if ours is None or other not in found:
            continue
        ratios = [float(f(ours[:, place]) / f(found[other][:, place])) for f in (np.median, np.mean)]
        p = float(stats.wilcoxon(ours[:, place], found[other][:, place]).pvalue)
        print(
            f"top 10 against {other}: {ratios[0]:.2f} of its median, {ratios[1]:.2f} of its mean "
            f"(target {bar}; Wilcoxon p = {p:.2g}) {'met' if max(ratios) <= bar else 'MISSED'}"
        )
        missed |= max(ratios) > bar
    return int(missed)


if __name__ == "__main__":
    raise SystemExit(main())
