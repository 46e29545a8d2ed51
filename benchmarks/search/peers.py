"""Our search against what people would use instead, at equal core time.

``python benchmarks/search/peers.py --data-dir DIR --out FILE`` gives each search so many CPU seconds (all threads of
its process, which is pinned to one core) for everything up to the network that it hands over, which is then scored on
the test split. Searches of one seed run at the same time, and change cores from seed to seed. Each finished search is a
line of FILE; called again, only what is missing is run. Needs the extra ``peers`` (``pip install -e ".[peers]"``).

- ``gondwana``: the preset mnist-small with ``fidelity`` (1, 3, 9 epochs) and ``speciation: lasting``;
  ``steady``: the same without generations; ``gondwana-short`` and ``steady-short``: with rungs of 1 and 3 epochs;
- ``evolution``: the preset as it is, every network trained for 3 epochs; ``random``: with ``selection: random``;
- ``optuna``: TPE with the median pruner, ``hyperband``: KerasTuner's, both in a plain CNN space (plain_cnn.py).

Ours train the network that they hand over once more from its spec, with time set aside for it; the peers keep weights.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
sys.path.insert(0, str(Path(__file__).parent))

from peer_searches import SIZE, Clock, Found, hyperband, optuna

SPACE = [f"task.options.train_size={SIZE}", f"task.options.validation_size={SIZE}", "generations=100000"]
LONG = ["training.epochs=9", "search.fidelity={rungs: [1, 3, 9], keep: 0.33}", "search.speciation=lasting"]
SHORT = ["training.epochs=3", "search.fidelity={rungs: [1, 3], keep: 0.33}", "search.speciation=lasting"]
OURS = {
    "gondwana": LONG,
    "gondwana-short": SHORT,
    "steady": [*LONG, "search.mode=steady"],
    "steady-short": [*SHORT, "search.mode=steady"],
    "evolution": [],
    "random": ["search.selection=random"],
}
CONTESTANTS = (*OURS, "optuna", "hyperband")
RESERVE = 1.3
"""Share of the seconds that the best network took that is set aside to train it again."""


def our_search(name: str, seed: int, budget: float, data_dir: Path | None) -> Found:
    """Lead one of our searches in this process until its time is used up."""
    from plain_cnn import until_out_of_time

    from gondwana.nas.candidate import Outcome, State
    from gondwana.nas.config.schema import load_config
    from gondwana.nas.engine.execute import build_search
    from gondwana.nas.evaluation.evaluate import evaluate, finalize, load_final_data

    config = load_config("mnist-small", [*SPACE, f"seed={seed}", *OURS[name]])
    data = load_final_data(config.task.model_dump(mode="json"), data_dir)
    clock = Clock()
    search = build_search(config)
    keys: dict[str, Outcome] = {}
    states: dict[int, bytes | None] = {}
    cost: dict[int, float] = {}
    best: tuple[tuple[int, float], Any] | None = None
    course: list[tuple[float, float]] = []
    evaluations = generation = 0
    with until_out_of_time():
        clock.stop_at(budget)
        while True:
            (candidate,) = search.ask(1)
            if candidate.generation != generation:
                generation = candidate.generation
                states.clear()
            before = candidate.origin.get("continues")
            known = keys.get(candidate.key)
            if known is None:
                begin = clock()
                evaluations += 1
                state = None if before is None else states.pop(before, None)
                report = evaluate(candidate.spec, data.search, state=state)
                states[candidate.id] = report.training_state
                cost[candidate.id] = clock() - begin + cost.get(before, 0.0)
                outcome = Outcome(
                    candidate.id,
                    report.state,
                    report.fitness,
                    parameters=report.parameters,
                    reason=report.reason,
                )
                keys[candidate.key] = outcome
            else:
                original = known.candidate_id
                states[candidate.id], cost[candidate.id] = states.get(original), cost[original]
                duplicate = State.DUPLICATE if known.fitness is not None else known.state
                outcome = Outcome(
                    candidate.id,
                    duplicate,
                    known.fitness,
                    parameters=known.parameters,
                    reason="equal",
                    duplicate_of=original if duplicate is State.DUPLICATE else None,
                )
            search.tell(outcome)
            if outcome.state is not State.COMPLETED or outcome.fitness is None:
                continue
            rank = (int(candidate.origin.get("rung", 0)), outcome.fitness)
            if best is None or rank > best[0]:
                best = rank, candidate
                clock.stop_at(budget - RESERVE * cost[candidate.id])
            if outcome.fitness > max((value for _, value in course), default=0.0):
                course.append((clock(), outcome.fitness))
    clock.silence()
    if best is None:
        raise SystemExit(f"{name}: no network was trained in {budget} CPU seconds")
    report = finalize(best[1].spec, data)
    generations = search.progress().generation
    notes = {
        "generations": generations,
        "parameters": report.parameters,
        "searched": best[0][1],
        "rung": best[0][0],
    }
    return Found(report.fitness or 0.0, report.metrics["test_fitness"], evaluations, clock(), course, notes)


def run_one(name: str, seed: int, arguments: argparse.Namespace) -> None:
    """Run one search in this process, pinned to a core, and write its row."""
    os.sched_setaffinity(0, {arguments.core})
    from gondwana.nas.engine.pools.worker import prepare
    from gondwana.nas.engine.records.provenance import git_state, versions

    prepare(1)
    run: Callable[[int, float, Path | None], Found]
    run = {"optuna": optuna, "hyperband": hyperband}.get(name) or (lambda *a: our_search(name, *a))
    found = run(seed, arguments.seconds, arguments.data_dir)
    row = {
        "contestant": name,
        "seed": seed,
        "budget": arguments.seconds,
        "task": f"mnist-{SIZE}",
        **vars(found),
    }
    row |= {"core": arguments.core, "versions": versions() | peers_versions(), "git": git_state()}
    Path(arguments.row).write_text(json.dumps(row), encoding="utf-8")


def peers_versions() -> dict[str, str]:
    """Return the versions of the peers that are installed."""
    from importlib import metadata

    found = {}
    for name in ("optuna", "keras-tuner"):
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return found


def read(path: Path) -> list[dict[str, Any]]:
    """Return the rows of a file; a last line that was cut off is left out."""
    rows = []
    for line in path.read_text(encoding="utf-8").splitlines() if path.exists() else []:
        try:
            rows.append(json.loads(line))
        except json.JSONDecodeError:
            print(f"{path}: a damaged line is left out and its search run again")
    return rows


def together(names: Sequence[str], seed: int, arguments: argparse.Namespace, scratch: Path) -> None:
    """Run searches at the same time, one a core, and append the rows of those that finish."""
    started = []
    for place, name in enumerate(names):
        core = arguments.cores[(place + seed) % len(arguments.cores)]
        row = scratch / f"{name}-{seed}.json"
        command = [sys.executable, __file__, "--one", name, "--seed", str(seed), "--core", str(core)]
        command += ["--row", str(row), "--seconds", str(arguments.seconds)]
        command += [] if arguments.data_dir is None else ["--data-dir", str(arguments.data_dir)]
        log = (scratch / f"{name}-{seed}.log").open("w")
        started.append((name, row, log, subprocess.Popen(command, stdout=log, stderr=log)))
    for name, row, log, process in started:
        code = process.wait()
        log.close()
        if not row.exists():
            print(f"{name}, seed {seed}: exit code {code}\n{Path(log.name).read_text()[-1500:]}", flush=True)
            continue
        with arguments.out.open("a", encoding="utf-8") as stream:
            if stream.tell() and not arguments.out.read_bytes().endswith(b"\n"):
                stream.write("\n")
            stream.write(row.read_text(encoding="utf-8") + "\n")
            stream.flush()
            os.fsync(stream.fileno())
        found = json.loads(row.read_text(encoding="utf-8"))
        print(
            f"{name:<10} seed {seed}: test {found['test']:.4f}, validation {found['validation']:.4f}, "
            f"{found['evaluations']} trainings in {found['seconds']:.0f} CPU s",
            flush=True,
        )


def table(rows: Sequence[dict[str, Any]], budget: float, ours: str) -> None:
    """Print mean test accuracy by contestant, and Wilcoxon's p of ``ours`` against each, Holm-corrected."""
    from scipy import stats

    by: dict[str, dict[int, float]] = {}
    for row in rows:
        if row["budget"] == budget:
            by.setdefault(row["contestant"], {})[row["seed"]] = row["test"]
    tests = {}
    for name, values in by.items():
        common = sorted(values.keys() & by.get(ours, {}).keys())
        gains = [by[ours][seed] - values[seed] for seed in common] if name != ours else []
        if len(gains) > 1 and any(gains):
            tests[name] = (statistics.fmean(gains), float(stats.wilcoxon(gains).pvalue))
    largest = 0.0
    corrected = {}
    for place, name in enumerate(sorted(tests, key=lambda each: tests[each][1])):
        largest = max(largest, min(1.0, (len(tests) - place) * tests[name][1]))
        corrected[name] = largest
    for name, values in sorted(by.items()):
        line = f"{name:<10} {len(values):>3} seeds, test accuracy {statistics.fmean(values.values()):.4f}"
        if name in tests:
            line += f", {ours} {tests[name][0]:+.4f} (Wilcoxon, Holm-corrected, p = {corrected[name]:.3f})"
        print(line)


def main() -> int:
    """Run what is missing, print the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--out", type=Path, help="JSON lines, one a finished search")
    parser.add_argument("--data-dir", type=Path)
    parser.add_argument("--seconds", type=float, default=300.0, help="CPU seconds of each search")
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--first-seed", type=int, default=0)
    parser.add_argument(
        "--contestants", nargs="+", choices=CONTESTANTS, default=["gondwana", "optuna", "random"]
    )
    parser.add_argument(
        "--ours", choices=list(OURS), default="gondwana", help="what the others are tested against"
    )
    parser.add_argument("--cores", nargs="+", type=int, default=sorted(os.sched_getaffinity(0)))
    for name in ("--one", "--row"):
        parser.add_argument(name, help=argparse.SUPPRESS)
    for name in ("--seed", "--core"):
        parser.add_argument(name, type=int, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.one is not None:
        run_one(arguments.one, arguments.seed, arguments)
        return 0
    if arguments.out is None:
        parser.error("name a file with --out")
    with tempfile.TemporaryDirectory() as scratch:
        for seed in range(arguments.first_seed, arguments.first_seed + arguments.seeds):
            rows = read(arguments.out)
            done = {(row["contestant"], row["seed"]) for row in rows if row["budget"] == arguments.seconds}
            missing = [name for name in arguments.contestants if (name, seed) not in done]
            for first in range(0, len(missing), len(arguments.cores)):
                together(missing[first : first + len(arguments.cores)], seed, arguments, Path(scratch))
    table(read(arguments.out), arguments.seconds, arguments.ours)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
