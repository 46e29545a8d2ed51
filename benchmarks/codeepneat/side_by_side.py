"""Whole searches that differ in one setting, with equal seeds and numbers of evaluations, compared.

``python benchmarks/codeepneat/side_by_side.py selection`` asks whether search is worth it: random search, evolution by
the paper's rules and with the extensions of docs/codeepneat.md, in one space. ``... initialization`` asks whether
AutoInit is (the paper's Figures 6a and 8). Searches are paired by seed, which was fixed before they ran; ``gondwana
compare`` takes evolutions for independent, which is right without equal first generations too. Trainings run in this
process, on one core. Each finished search is appended to a file, and a second call goes on where the first one ended.
"""

from __future__ import annotations

import argparse
import csv
import hashlib
import json
import os
import time
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np

if TYPE_CHECKING:
    from gondwana.nas.candidate import Candidate, Outcome

ROOT = Path(__file__).resolve().parents[2]
ARMS: dict[str, dict[str, list[str]]] = {
    "selection": {
        "random": ["search.selection=random"],
        "evolution": ["search.selection=fitness"],
        "extended": [
            "search.best_collaborators=0.5",
            "search.random_immigrants=0.1",
            "search.fitness_assignment=best",
        ],
    },
    "initialization": {
        # the defaults of 0.1: AutoInit by the paper's formulas, as when the page was made
        name: [f"search.initialization={{strategy: {name}, defaults: '0.1'}}"]
        for name in ("evolved", "glorot_uniform", "autoinit", "autoinit++")
    },
}
CONFIGS = {"selection": "mnist-tiny.yaml", "initialization": "digits-tiny.yaml"}
Outcomes = dict[tuple[str, int], list[dict[str, Any]]]


def run_search(config: Any, seed: int, data_dir: Path | None) -> Iterator[dict[str, Any]]:
    """Run one search to its end and yield its outcomes."""
    from gondwana import tasks
    from gondwana.nas.evaluation.evaluate import load_search_data
    from gondwana.nas.searches.job import SearchJob

    task = config.task.model_dump()
    data = load_search_data(task, data_dir)
    search = config.search.create(
        SearchJob(
            seed=seed,
            generations=config.generations,
            task=task,
            info=tasks.get(task["name"], **task["options"]).info,
            training=config.training,
            limits=config.limits_json(),
        )
    )
    known: dict[str, Outcome] = {}
    while not search.finished:
        for candidate in search.ask(1):
            outcome = outcome_of(candidate, data, known)
            search.tell(outcome)
            yield {
                "generation": candidate.generation,
                "state": outcome.state.value,
                "fitness": outcome.fitness,
                "parameters": outcome.parameters,
                "reason": outcome.reason,
            }


def outcome_of(candidate: Candidate, data: Any, known: dict[str, Outcome]) -> Outcome:
    """Return the outcome of a candidate: that of an equal one in ``known``, or of a training, which is added there."""
    from gondwana.nas.candidate import Outcome, State
    from gondwana.nas.evaluation.evaluate import evaluate

    if (before := known.get(candidate.key)) is not None and before.fitness is not None:
        return Outcome(
            candidate.id,
            State.DUPLICATE,
            before.fitness,
            parameters=before.parameters,
            reason=f"equal to candidate {before.candidate_id}",
            duplicate_of=before.candidate_id,
        )
    report = evaluate(candidate.spec, data)
    known[candidate.key] = Outcome(
        candidate.id,
        report.state,
        report.fitness,
        parameters=report.parameters,
        seconds=report.seconds,
        reason=report.reason,
    )
    return known[candidate.key]


def digest(config: Any) -> str:
    """Return a hash of all that the arms of one comparison have in common."""
    text = json.dumps(config.to_json(), sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def read(path: Path, config: str) -> Outcomes:
    """Return the outcomes in the file, by arm and seed; a last line that a kill cut off is left out.

    Raises:
        ValueError: if a line was made with another config.
    """
    found: Outcomes = {}
    if not path.exists():
        return found
    text = path.read_text()
    whole = text[: text.rfind("\n") + 1]
    if whole != text:
        path.write_text(whole)
    for line in whole.splitlines():
        record = json.loads(line)
        if record["config"] != config:
            raise ValueError(f"{path} was made with another config ({record['config']}); name another --out")
        found[record["arm"], record["seed"]] = record["outcomes"]
    return found


def best_so_far(outcomes: list[dict[str, Any]]) -> list[float]:
    """Return the best fitness up to each generation."""
    generations = 1 + max(record["generation"] for record in outcomes)
    per = [
        max(
            (r["fitness"] for r in outcomes if r["generation"] == g and r["fitness"] is not None),
            default=-np.inf,
        )
        for g in range(generations)
    ]
    return [float(value) for value in np.maximum.accumulate(per)]


def mean_of(outcomes: list[dict[str, Any]]) -> list[float]:
    """Return the mean fitness of each generation."""
    by_generation: dict[int, list[float]] = defaultdict(list)
    for record in outcomes:
        if record["fitness"] is not None:
            by_generation[record["generation"]].append(record["fitness"])
    return [float(np.mean(by_generation[g])) for g in sorted(by_generation)]


def write_curves(found: Outcomes, path: Path) -> None:
    """Write best and mean fitness of every generation of every search as CSV."""
    with path.open("w", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["arm", "seed", "generation", "best", "mean"])
        for (arm, seed), outcomes in found.items():
            for generation, values in enumerate(zip(best_so_far(outcomes), mean_of(outcomes), strict=True)):
                writer.writerow([arm, seed, generation, *(f"{value:.5f}" for value in values)])


def figure(found: Outcomes, arms: list[str], path: Path) -> None:
    """Draw best and mean fitness per generation, means over seeds with 95% intervals of the mean."""
    from matplotlib.backends.backend_svg import FigureCanvasSVG
    from matplotlib.figure import Figure
    from scipy import stats

    drawing = Figure(figsize=(8, 3.4), layout="constrained")
    for axes, curve, title in zip(
        drawing.subplots(1, 2), (best_so_far, mean_of), ("best so far", "mean of the generation"), strict=True
    ):
        for arm in arms:
            curves = np.array(
                [curve(outcomes) for (name, _), outcomes in sorted(found.items()) if name == arm]
            )
            centre = curves.mean(axis=0)
            half = stats.t.ppf(0.975, len(curves) - 1) * curves.std(axis=0, ddof=1) / len(curves) ** 0.5
            axes.plot(centre, label=f"{arm} (n = {len(curves)})")
            axes.fill_between(range(len(centre)), centre - half, centre + half, alpha=0.2)
        axes.set(xlabel="generation", ylabel="validation fitness", title=title)
        axes.legend(fontsize=8)
    FigureCanvasSVG(drawing).print_svg(str(path), metadata={"Date": None})


def summary(found: Outcomes, arms: list[str], out: Path) -> None:
    """Print the comparison of the searches' best and mean fitness, and write figures and curves."""
    from gondwana.nas.report.figures.edf_picture import edf_svg
    from gondwana.nas.statistics import compare
    from gondwana.nas.statistics.tables import text

    seeds = sorted({seed for _, seed in found if all((arm, seed) in found for arm in arms)})
    for what, curve in (
        ("best fitness of a search", best_so_far),
        ("mean fitness of its last generation", mean_of),
    ):
        groups = {arm: [curve(found[arm, seed])[-1] for seed in seeds] for arm in arms}
        print(f"\n{what}, {len(seeds)} seeds")
        for arm, values in groups.items():
            print(
                f"  {arm:<16} mean {np.mean(values):.4f}  sd {np.std(values, ddof=1):.4f}  {np.round(values, 4)}"
            )
        comparison = compare(groups, paired=True)
        print(text(comparison))
        if curve is best_so_far:
            out.with_suffix(".edf.svg").write_bytes(edf_svg(comparison))
    figure(found, arms, out.with_suffix(".generations.svg"))
    write_curves(found, out.with_suffix(".csv"))


def main() -> None:
    """Run what is missing, then compare."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("question", choices=sorted(ARMS))
    parser.add_argument("--arms", nargs="+", help="which to run and compare; default: all of them")
    parser.add_argument("--config", type=Path, help="; ".join(f"{q}: {name}" for q, name in CONFIGS.items()))
    parser.add_argument(
        "--set", action="append", default=[], metavar="KEY=VALUE", help="override of the config"
    )
    parser.add_argument("--seeds", type=int, default=10, help="how many")
    parser.add_argument("--first-seed", type=int, default=0)
    parser.add_argument("--out", type=Path, required=True, help="JSON lines, one per search")
    parser.add_argument("--data-dir", type=Path)
    parser.add_argument("--minutes", type=float, default=float("inf"), help="begin no search after that time")
    arguments = parser.parse_args()

    from gondwana.nas.config.schema import load_config
    from gondwana.nas.engine.pools.backend import configure

    configure(1)
    start = time.monotonic()
    arms = ARMS[arguments.question]
    if unknown := sorted(set(arguments.arms or ()) - set(arms)):
        parser.error(f"--arms knows {', '.join(arms)}. Received: {', '.join(unknown)}")
    arms = {name: arms[name] for name in arguments.arms or arms}
    path = arguments.config or ROOT / "benchmarks/codeepneat" / CONFIGS[arguments.question]
    common = digest(load_config(path, arguments.set))
    found = read(arguments.out, common)
    for seed in range(arguments.first_seed, arguments.first_seed + arguments.seeds):
        for arm, overrides in arms.items():
            if (arm, seed) in found or time.monotonic() - start > 60 * arguments.minutes:
                continue
            config = load_config(path, [*arguments.set, *overrides])
            found[arm, seed] = list(run_search(config, seed, arguments.data_dir))
            record = {"config": common, "arm": arm, "seed": seed, "outcomes": found[arm, seed]}
            with arguments.out.open("a") as file:
                file.write(json.dumps(record) + "\n")
            best = best_so_far(found[arm, seed])[-1]
            print(f"seed {seed} {arm}: best {best:.4f}, {time.monotonic() - start:.0f} s", flush=True)
    summary(found, list(arms), arguments.out)


if __name__ == "__main__":
    main()
