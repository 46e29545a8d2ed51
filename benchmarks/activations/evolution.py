"""Aging evolution of activation functions against random search: the same space, network, initialization and budget.

``python benchmarks/activations/evolution.py --out evolution.jsonl`` runs both searches with equal seeds on
scikit-learn's digits, scaled down from PANGAEA's 1,000 evaluations on CIFAR-10. The searches and the evaluation are
those of ``gondwana evolve``, in this process. Each training is appended to the file and answered from it if it is met
again, so a second call goes on where the first one ended, and the functions that both searches of a seed begin with are
trained once. ``--spread`` prints how far apart functions are, beside how far apart seeds of one function are.
"""

from __future__ import annotations

import argparse
import json
import os
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np

TASK: dict[str, Any] = {"name": "digits", "options": {}}
ARCHITECTURE = {"name": "small_cnn", "options": {"filters": [8, 16], "depth": 3}}
TRAINING = {"epochs": 4, "batch_size": 32, "optimizer": "adam", "learning_rate": 0.005, "schedule": "cosine"}
STRATEGY = {
    "strategy": "autoinit++",
    "defaults": "0.1",
}  # the paper's propagation, as when the pages were made
POPULATION, TOURNAMENT = 16, 4  # a quarter of PANGAEA's 64 and 16
ARMS = ("random", "evolution")
QUANTILES = (0.1, 0.25, 0.5, 0.75, 0.9)

Curves = dict[str, dict[int, np.ndarray]]
"""Best fitness up to each evaluation, by arm and seed."""


class Trainings:
    """Every training that was made, by the content of its spec, kept in a file of JSON lines."""

    def __init__(self, path: Path) -> None:
        from gondwana.nas.evaluation.evaluate import load_search_data

        self._path = path
        self._data = load_search_data(TASK)
        self._known: dict[str, dict[str, Any]] = {}
        self.made = 0
        text = path.read_text() if path.exists() else ""
        complete = text[: text.rfind("\n") + 1]
        if complete != text:  # a line that was cut off when the last call was killed
            path.write_text(complete)
        for line in complete.splitlines():
            record = json.loads(line)
            self._known[record["key"]] = record

    def __call__(self, candidate: Any) -> dict[str, Any]:
        """Return the record of a candidate, trained now if it is new."""
        from gondwana.nas.evaluation.evaluate import evaluate

        if candidate.key not in self._known:
            report = evaluate(candidate.spec, self._data)
            record = {
                "key": candidate.key,
                "text": candidate.spec["model"]["activation"],
                "seed": candidate.spec["seed"],
                "state": report.state.value,
                "fitness": report.fitness,
                "reason": report.reason,
                "seconds": round(sum(report.seconds.values()), 3),
            }
            with self._path.open("a") as file:
                file.write(json.dumps(record) + "\n")
            self._known[candidate.key] = record
            self.made += 1
        return self._known[candidate.key]


def make_search(arm: str, seed: int, evaluations: int) -> Any:
    """Return the search of an arm, told of each outcome before it is asked again."""
    from gondwana import tasks
    from gondwana.nas.searches.job import SearchJob
    from gondwana.nas.searches.pangaea.search import PangaeaSettings, RandomSettings

    common: dict[str, Any] = {
        "architecture": ARCHITECTURE,
        "initialization": STRATEGY,
        "evaluations": evaluations,
        "lag": 1,
    }
    if arm == "random":
        settings: Any = RandomSettings(**common)
    else:
        settings = PangaeaSettings(**common, population=POPULATION, tournament=TOURNAMENT, surrogate=None)
    return settings.create(
        SearchJob(seed=seed, generations=1, task=TASK, info=tasks.get(TASK["name"]).info, training=TRAINING)
    )


def run_search(search: Any, train: Trainings, until: float) -> Iterator[tuple[Any, dict[str, Any]]]:
    """Yield candidates and their records until the search has finished or the time is up."""
    from gondwana.nas.candidate import Outcome, State

    while not search.finished and time.monotonic() < until:
        for candidate in search.ask(1):
            record = train(candidate)
            search.tell(
                Outcome(candidate.id, State(record["state"]), record["fitness"], reason=record["reason"])
            )
            yield candidate, record


def best_so_far(records: Iterable[dict[str, Any]], chance: float) -> np.ndarray:
    """Return the best fitness up to each evaluation; a failure counts as chance."""
    return np.maximum.accumulate([chance if r["fitness"] is None else r["fitness"] for r in records])


def train_again(candidate: Any, seed: int, replicates: int, train: Trainings) -> float:
    """Return the mean fitness of a function in trainings that had no part in its selection."""
    from gondwana.nas.candidate import Candidate, make_spec

    parts = ("task", "model", "initialization", "training", "limits")
    known = {name: candidate.spec[name] for name in parts}
    values = []
    for replicate in range(1, replicates + 1):
        again = Candidate(candidate.id, 0, make_spec(seed, **known, replicate=replicate))
        values.append(train(again)["fitness"] or 0.0)
    return float(np.mean(values))


def figure(curves: Curves, path: Path) -> None:
    """Draw median, quartiles and 10% and 90% quantiles of the best fitness so far, over the number of evaluations."""
    import matplotlib as mpl
    from matplotlib.backends.backend_svg import FigureCanvasSVG
    from matplotlib.figure import Figure

    from gondwana.nas.report.figures.figures import COLORS

    with mpl.rc_context({"svg.hashsalt": "gondwana", "svg.fonttype": "none"}):
        drawing = Figure(figsize=(6, 3.8), layout="constrained")
        axes = drawing.subplots()
        for color, (arm, by_seed) in zip(COLORS, curves.items(), strict=False):
            low, lower, median, upper, high = np.quantile(np.array(list(by_seed.values())), QUANTILES, axis=0)
            x = np.arange(1, len(median) + 1)
            axes.plot(x, median, color=color, label=f"{arm}: median of {len(by_seed)} seeds")
            axes.fill_between(x, lower, upper, color=color, alpha=0.25, linewidth=0)
            axes.fill_between(x, low, high, color=color, alpha=0.12, linewidth=0)
        bottom = min(
            float(np.quantile(list(by_seed.values()), 0.1, axis=0)[4]) for by_seed in curves.values()
        )
        axes.set(xlabel="evaluations", ylabel="best validation accuracy so far", ylim=(bottom, 1.0))
        axes.set_title("bands: quartiles, 10% to 90%", fontsize=8, loc="left")
        axes.legend(loc="lower right", fontsize=8)
        FigureCanvasSVG(drawing).print_svg(str(path), metadata={"Date": None})


def table(curves: Curves) -> str:
    """Return quantiles of the best fitness so far at some numbers of evaluations."""
    length = min(len(curve) for by_seed in curves.values() for curve in by_seed.values())
    places = sorted({n for n in (1, 5, 10, 20, 40, 60, 80, 100, 130, 200, 300) if n < length} | {length})
    lines = ["evaluations  " + "".join(f"{arm + ' 10/25/50/75/90%':<44}" for arm in curves)]
    for n in places:
        cells = []
        for by_seed in curves.values():
            values = np.quantile([curve[n - 1] for curve in by_seed.values()], QUANTILES)
            cells.append(f"{' '.join(f'{value:.4f}' for value in values):<44}")
        lines.append(f"{n:>11}  " + "".join(cells))
    return "\n".join(lines)


def print_comparison(what: str, groups: dict[str, list[float]]) -> Any:
    """Print the project's statistics on two groups of searches, paired by seed and not; return the paired one."""
    from gondwana.nas.statistics import compare

    paired = compare(groups, paired=True)
    for title, comparison in (("paired by seed", paired), ("not paired", compare(groups))):
        print(f"\n--- {what}, {title}\n\n{comparison!r}")
    return paired


def spread(train: Trainings, functions: int = 40, replicates: int = 5) -> None:
    """Print the spread over random functions and, for some of them, over seeds."""
    from gondwana.nas.candidate import Candidate

    search = make_search("random", 0, functions)
    found = [(record["fitness"] or 0.0, candidate) for candidate, record in run_search(search, train, np.inf)]
    values = np.array([value for value, _ in found])
    print(f"{functions} random functions: quantiles 0, 10, 25, 50, 75, 90, 100% of fitness")
    print(np.round(np.quantile(values, [0, 0.1, 0.25, 0.5, 0.75, 0.9, 1]), 4))
    ranked = sorted(found, key=lambda pair: -pair[0])
    for place in (0, 2, functions // 10, functions // 4, functions // 2):
        candidate: Candidate = ranked[place][1]
        again = [train_again(candidate, seed, 1, train) for seed in range(1, replicates + 1)]
        text = candidate.origin["text"]
        print(
            f"rank {place + 1}: mean {np.mean(again):.4f}, sd over seeds {np.std(again, ddof=1):.4f}  {text}"
        )


def run_all(
    arguments: argparse.Namespace, train: Trainings, say: Callable[[str], None]
) -> tuple[Curves, dict[str, list[float]]]:
    """Run both searches for each seed; return the complete ones, and the winners' fitness in new trainings."""
    from gondwana import tasks

    start = time.monotonic()
    until = start + 60 * arguments.minutes
    chance = tasks.get(TASK["name"]).info.chance
    curves: Curves = {arm: {} for arm in ARMS}
    again: dict[str, list[float]] = {arm: [] for arm in ARMS}
    for seed in range(arguments.seeds):
        done: dict[str, list[tuple[Any, dict[str, Any]]]] = {}
        for arm in ARMS:
            search = make_search(arm, seed, arguments.evaluations)
            done[arm] = list(run_search(search, train, until))
        if any(len(pairs) < arguments.evaluations for pairs in done.values()):
            say(f"out of time in seed {seed}; call again to go on")
            break
        for arm, pairs in done.items():
            curves[arm][seed] = best_so_far((record for _, record in pairs), chance)
            winner = max(pairs, key=lambda pair: (pair[1]["fitness"] or 0.0, -pair[0].id))[0]
            again[arm].append(train_again(winner, seed, arguments.replicates, train))
            say(
                f"seed {seed} {arm}: best {curves[arm][seed][-1]:.4f}, again {again[arm][-1]:.4f}, "
                f"{winner.origin['text']}, {time.monotonic() - start:.0f} s, {train.made} trainings"
            )
    return curves, again


def main() -> None:
    """Run what is missing, then compare."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--out", type=Path, required=True, help="JSON lines, one per training")
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--evaluations", type=int, default=130, help="of each search")
    parser.add_argument(
        "--replicates", type=int, default=5, help="new trainings of each search's best function"
    )
    parser.add_argument("--minutes", type=float, default=float("inf"), help="stop training after that time")
    parser.add_argument(
        "--spread", action="store_true", help="only measure the spread over functions and seeds"
    )
    arguments = parser.parse_args()

    from gondwana.nas.engine.pools.backend import configure
    from gondwana.nas.report.figures.edf_picture import edf_svg

    configure(1)
    train = Trainings(arguments.out)
    if arguments.spread:
        spread(train)
        return
    curves, again = run_all(arguments, train, lambda line: print(line, flush=True))
    if len(curves["random"]) < 3:
        print("too few complete seeds to compare")
        return
    print(f"\n{table(curves)}")
    final = {arm: [float(curve[-1]) for curve in by_seed.values()] for arm, by_seed in curves.items()}
    comparison = print_comparison("best fitness of a search", final)
    print_comparison(f"its function in {arguments.replicates} new trainings, mean", again)
    figure(curves, arguments.out.with_suffix(".svg"))
    arguments.out.with_suffix(".edf.svg").write_bytes(edf_svg(comparison))


if __name__ == "__main__":
    main()
