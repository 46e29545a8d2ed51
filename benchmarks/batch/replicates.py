"""Trainings in batches against one by one, on JAX: replicates of one network, and a small comparison of functions.

    KERAS_BACKEND=jax GONDWANA_COMPILATION_CACHE=off python benchmarks/batch/replicates.py --to times.jsonl
    python benchmarks/batch/replicates.py --to times.jsonl --table

``replicates``: one small_cnn on digits with 24 seeds and rates. ``compare``: 8 functions x 3 strategies of it, in
batches of one function. Each is evaluated as a worker would, in this process. One line of JSON is appended after every
evaluation (of a batch or of one candidate) and what is there is not measured again, so the script goes on where it was
stopped.
"""

from __future__ import annotations

import argparse
import json
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

FUNCTIONS = ("relu(x)", "tanh(x)", "elu(x)", "swish(x)", "erf(x)", "selu(x)", "softplus(x)", "sin(x)")
STRATEGIES = ("autoinit", "he_normal", "glorot_uniform")


def spec(activation: str, strategy: str, replicate: int, rate: float, epochs: int) -> dict[str, Any]:
    from gondwana.nas.candidate import make_spec

    return make_spec(
        0,
        task={"name": "digits", "options": {}},
        model={
            "kind": "architecture",
            "name": "small_cnn",
            "options": {"filters": [16, 32], "depth": 2},
            "activation": activation,
        },
        initialization={"strategy": strategy},
        training={"epochs": epochs, "batch_size": 64, "learning_rate": rate},
        replicate=replicate,
    )


def jobs(count: int, functions: int, epochs: int) -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """Yield the batches of each experiment."""
    yield (
        "replicates",
        [spec("relu(x)", "autoinit", i, 1e-3 * (1 + i % 4), epochs) for i in range(count)],
    )
    for function in FUNCTIONS[:functions]:
        yield "compare", [spec(function, strategy, 0, 1e-3, epochs) for strategy in STRATEGIES]


def table(records: list[dict[str, Any]]) -> None:
    for experiment in ("replicates", "compare"):
        sums = {}
        for way in ("single", "batched"):
            mine = [r for r in records if r["experiment"] == experiment and r["way"] == way]
            sums[way] = (
                sum(r["seconds"] for r in mine),
                sum(r["cpu"] for r in mine),
                sum(r["count"] for r in mine),
            )
        (one, one_cpu, count), (many, many_cpu, others) = sums["single"], sums["batched"]
        if count and count == others:
            print(
                f"{experiment}: {count} trainings, one by one {one:.0f} s ({one_cpu:.0f} CPU s), "
                f"in batches {many:.0f} s ({many_cpu:.0f} CPU s): {many / one:.2f} (CPU {many_cpu / one_cpu:.2f})"
            )
        else:
            print(f"{experiment}: not complete, {count} one by one and {others} in batches")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--to", type=Path, required=True)
    parser.add_argument("--count", type=int, default=24)
    parser.add_argument("--functions", type=int, default=len(FUNCTIONS))
    parser.add_argument("--epochs", type=int, default=5)
    parser.add_argument("--table", action="store_true")
    arguments = parser.parse_args()
    text = arguments.to.read_text() if arguments.to.exists() else ""
    records = [json.loads(line) for line in text.splitlines()]
    if arguments.table:
        table(records)
        return
    from gondwana.nas.candidate import canonical_json
    from gondwana.nas.evaluation.batch import MEMBERS, evaluate_batch
    from gondwana.nas.evaluation.evaluate import evaluate, load_search_data

    done = {record["what"] for record in records}
    data = load_search_data({"name": "digits", "options": {}})
    evaluate(spec("sigmoid(x)", "he_normal", 99, 1e-3, 1), data)  # what only the first use in a process costs
    for experiment, specs in jobs(arguments.count, arguments.functions, arguments.epochs):
        for way, members in (("batched", [specs]), ("single", [[one] for one in specs])):
            for group in members:
                what = f"{way} {canonical_json(group)}"
                if what in done:
                    continue
                start, cpu = time.perf_counter(), time.process_time()
                if way == "batched":
                    reports = evaluate_batch({MEMBERS: group}, data).members
                else:
                    reports = (evaluate(group[0], data),)
                line = {
                    "experiment": experiment,
                    "way": way,
                    "count": len(group),
                    "seconds": time.perf_counter() - start,
                    "cpu": time.process_time() - cpu,
                    "load": os.getloadavg()[0],
                    "fitness": [report.fitness for report in reports],
                    "what": what,
                }
                with arguments.to.open("a") as file:
                    file.write(json.dumps(line) + "\n")
                print({key: value for key, value in line.items() if key != "what"}, flush=True)


if __name__ == "__main__":
    main()
