"""Train everything of a small space once, and write a table from which searches are answered (``engine.pool: table``).

``nice -n 19 python benchmarks/search/make_tables.py functions --data-dir DIR --raw FILE.jsonl`` trains the distinct
minimal activation functions of the catalogue, ``networks`` random networks of a small CoDeepNEAT space with their
learning curves. Each training is appended to FILE, one JSON object a line; a second call goes on where the first one
ended, and ``--seconds`` ends it. ``--pack TABLE.jsonl.gz`` writes what FILE holds so far as a table, trains nothing,
and prints how well the first seed of a function ranks it as the second one does.

Functions are trained in a random order, the first 400 with two seeds, then all others with the first seed, then with
the second one: what is there at any time is a random sample of the catalogue.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import time
import warnings
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import numpy as np
from scipy import stats

from gondwana.nas.candidate import canonical_json, make_spec

TASK: dict[str, Any] = {"name": "mnist", "options": {"train_size": 2000, "validation_size": 2000}}
FUNCTIONS: dict[str, Any] = {
    "task": TASK,
    "model": {"kind": "architecture", "name": "small_cnn", "options": {"filters": [4, 8, 16], "depth": 1}},
    "initialization": {"strategy": "autoinit++", "options": {}, "defaults": "0.2"},
    "training": {"epochs": 3, "batch_size": 32, "learning_rate": 0.005, "schedule": "cosine"},
}
NETWORKS: dict[str, Any] = {
    "task": TASK,
    "initialization": {"strategy": "autoinit", "options": {}, "defaults": "0.2"},
    "training": {"epochs": 3, "batch_size": 32, "schedule": "cosine"},
}
SPACE: dict[str, Any] = {
    "layers": ["Add", "Conv2D", "Dropout", "MaxPooling2D"],
    "genes": {
        "activation": ["relu", "elu", "tanh"],
        "filters": {"low": 4, "high": 24, "scale": "log"},
        "kernel_size": [1, 3],
        "rate": {"low": 0.0, "high": 0.4},
    },
    "network": {
        "learning_rate": {"low": 1e-3, "high": 2e-2, "scale": "log"},
        "readout": ["flatten", "average"],
    },
    "max_layers": 4,
    "max_nodes": 4,
}
MOST_OPERATIONS = 1_000_000
"""Multiply-adds of a network for one example."""
SEEDS, BLOCK = 2, 400
"""Trainings of a function; the first so many functions get all of them before the others get their first one."""
RECYCLE_MB = 3000
"""Resident memory above which the script begins again in a new process: TensorFlow keeps something of every network."""


def completed(part: dict[str, Any]) -> dict[str, Any]:
    """Return the common part of specs with the recipe's defaults, as a run's config has it."""
    from gondwana.tasks import get
    from gondwana.tasks.training.recipe import Recipe

    options = dict(get(TASK["name"], **TASK["options"]).info.options)
    return {
        **part,
        "task": {"name": TASK["name"], "options": options},
        "training": Recipe.from_json(part["training"]).to_json(),
    }


def functions() -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield key and spec of every training of the catalogue's functions."""
    from gondwana.activations.space.catalogue import catalogue, enumerate_form

    found = catalogue([*enumerate_form("unary"), *enumerate_form("binary")])
    texts = [group.graph.text for group in found.groups]
    order = np.random.default_rng(0).permutation(len(texts))
    common = completed(FUNCTIONS)
    for part in (order[:BLOCK], order[BLOCK:]):
        for replicate in range(SEEDS):
            for number in part:
                model = {**common["model"], "activation": texts[number]}
                spec = make_spec(0, **{**common, "model": model}, replicate=replicate)
                yield f"{texts[number]} {replicate}", spec


def networks(count: int = 4000) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield key and spec of random networks, those that random search draws in one generation after the other."""
    from gondwana import tasks
    from gondwana.nas.candidate import Outcome, State
    from gondwana.nas.searches.codeepneat.create import CoDeepNEATConfig
    from gondwana.nas.searches.job import SearchJob

    common = completed(NETWORKS)
    settings = CoDeepNEATConfig.model_validate(
        {
            "kind": "codeepneat",
            "selection": "random",
            "population": {"blueprints": 10, "modules": 20},
            "evaluations": 2,
            "space": SPACE,
            "max_multiply_adds": MOST_OPERATIONS,
        }
    )
    info = tasks.get(TASK["name"], **TASK["options"]).info
    search = settings.create(
        SearchJob(
            seed=0, generations=count // 20, task=common["task"], info=info, training=common["training"]
        )
    )
    seen = set()
    while not search.finished:
        for candidate in search.ask(1000):
            key = canonical_json([candidate.spec["model"], candidate.spec["training"]])
            if key not in seen:
                seen.add(key)
                yield candidate.key, dict(candidate.spec)
            search.tell(Outcome(candidate.id, State.COMPLETED, 0.5))


def read(path: Path) -> dict[str, dict[str, Any]]:
    """Return the trainings of the raw file by key; a line that was cut off by a kill is dropped from it."""
    text = path.read_text(encoding="utf-8") if path.exists() else ""
    complete = text[: text.rfind("\n") + 1]
    if complete != text:
        path.write_text(complete, encoding="utf-8")
    return {record["key"]: record for record in map(json.loads, complete.splitlines())}


def train(kind: str, raw: Path, data_dir: Path | None, until: float) -> None:
    """Train what is missing, until the time is over."""
    from gondwana.nas.engine.pools import backend
    from gondwana.nas.evaluation.evaluate import evaluate, load_search_data

    backend.configure(1)
    known = read(raw)
    data = load_search_data(TASK, data_dir)
    for key, spec in functions() if kind == "functions" else networks():
        if key in known:
            continue
        if time.time() > until:
            return
        begin = time.process_time()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            report = evaluate(spec, data)
        record = {
            "key": key,
            "spec": spec,
            "result": {
                "seed": spec["seed"],
                "state": report.state.value,
                "fitness": report.fitness,
                "reason": report.reason,
                "parameters": report.parameters,
                "seconds": {name: round(value, 3) for name, value in report.seconds.items()},
                "cpu_seconds": round(time.process_time() - begin, 3),
                "curve": [{name: float(f"{value:.5g}") for name, value in p.items()} for p in report.curve],
            },
        }
        with raw.open("a", encoding="utf-8") as file:
            file.write(json.dumps(record) + "\n")
        if resource.getrusage(resource.RUSAGE_SELF).ru_maxrss > RECYCLE_MB * 1000:
            os.execv(
                sys.executable,
                [sys.executable, __file__, kind, "--raw", str(raw), "--until", str(until)]
                + (["--data-dir", str(data_dir)] if data_dir else []),
            )


def pack(kind: str, raw: Path, table: Path) -> None:
    """Write the table of what has been trained, and print how two seeds agree."""
    from gondwana.nas.engine.pools.table import Entry, Table, write_table

    entries: dict[str, Entry] = {}
    common = completed(FUNCTIONS if kind == "functions" else NETWORKS)
    records = list(read(raw).values())
    for record in records:
        spec, result = record["spec"], record["result"]
        if kind == "functions":
            of: dict[str, Any] = {"function": spec["model"]["activation"]}
        else:
            of = {"model": spec["model"], "training": spec["training"]}
        entries.setdefault(canonical_json(of), Entry(of, [])).results.append(result)
    commit = subprocess.run(
        ["git", "rev-parse", "HEAD"], cwd=Path(__file__).parent, capture_output=True, text=True, check=False
    ).stdout.strip()
    import keras

    provenance = {
        "made": datetime.now(UTC).isoformat(timespec="seconds"),
        "command": f"python benchmarks/search/make_tables.py {kind}",
        "commit": commit,
        "keras": keras.__version__,
        "backend": keras.backend.backend(),
        "trainings": len(records),
        "cpu_seconds": round(sum(record["result"]["cpu_seconds"] for record in records)),
    }
    write_table(table, Table(kind, common, list(entries.values()), provenance))
    pairs = np.array(
        [
            [-1.0 if result["fitness"] is None else result["fitness"] for result in entry.results]
            for entry in entries.values()
            if len(entry.results) == SEEDS
        ]
    ).reshape(-1, SEEDS)
    print(f"{len(entries)} entries, {len(records)} trainings, {table.stat().st_size / 1e3:.0f} kB")
    if len(pairs) > 2:
        order = np.argsort(-pairs.mean(axis=1))[: len(pairs) // 4]
        print(
            f"Spearman between two seeds: {stats.spearmanr(*pairs.T).statistic:.3f} over {len(pairs)}, "
            f"{stats.spearmanr(*pairs[order].T).statistic:.3f} among the best quarter"
        )


def main() -> int:
    """Train or pack."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("kind", choices=("functions", "networks"))
    parser.add_argument("--raw", type=Path, required=True, help="JSON lines, appended to")
    parser.add_argument("--pack", type=Path, help="write this table and train nothing")
    parser.add_argument("--data-dir", type=Path)
    parser.add_argument("--seconds", type=float, default=float("inf"), help="begin no training after so long")
    parser.add_argument("--until", type=float, help="the same, as seconds since 1970")
    arguments = parser.parse_args()
    if arguments.pack is not None:
        pack(arguments.kind, arguments.raw, arguments.pack)
        return 0
    until = arguments.until if arguments.until is not None else time.time() + arguments.seconds
    train(arguments.kind, arguments.raw, arguments.data_dir, until)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
