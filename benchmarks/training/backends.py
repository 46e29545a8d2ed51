"""Wall time of a 5-epoch candidate on the CPU, with what compiling costs, on the active backend.

    for backend in tensorflow jax torch; do
        KERAS_BACKEND=$backend GONDWANA_COMPILATION_CACHE=off python benchmarks/training/backends.py --to times.jsonl
    done
    python benchmarks/training/backends.py --to times.jsonl --table

Each candidate is a random network (candidates.py) trained on 2,000 random images of MNIST's shape, batch 128, and
scored on 500, as a worker would: build, trace or compile, train, score. One line of JSON per network is appended; what
is there is not measured again. ``--keras`` trains through ``Model.train_on_batch`` instead. The table compares medians.
"""

from __future__ import annotations

import argparse
import json
import os
import time
from pathlib import Path

import keras
import numpy as np
from candidates import random_network

from gondwana import tasks
from gondwana.tasks.training import fit
from gondwana.tasks.training.loops import KerasLoop
from gondwana.tasks.training.recipe import Recipe


def measured(seed: int, epochs: int) -> dict[str, float]:
    """Return wall and CPU seconds of one candidate."""
    info = tasks.get("mnist").info
    rng = np.random.default_rng(0)
    images, labels = rng.normal(size=(2500, 28, 28, 1)).astype(np.float32), rng.integers(0, 10, 2500)
    train = tasks.Split(images[:2000], labels[:2000].astype(np.int32))
    data = tasks.SearchData(train, tasks.Split(images[2000:], labels[2000:].astype(np.int32)))
    start, cpu = time.perf_counter(), time.process_time()
    model = random_network(info, seed)
    history = fit.train(model, data, info, Recipe(epochs=epochs, batch_size=128), seed)
    fit.score(model, data.validation, info)
    wall = time.perf_counter() - start
    keras.utils.clear_session()
    return {
        "wall": wall,
        "cpu": time.process_time() - cpu,
        "first_step": history.first_step_seconds,
        "load": os.getloadavg()[0],
    }


def table(records: list[dict]) -> None:
    """Print, per way of training, medians over the networks that every way has trained."""
    ways = sorted({record["way"] for record in records})
    seeds = set.intersection(*({r["seed"] for r in records if r["way"] == way} for way in ways))
    base = {r["seed"]: r for r in records if r["way"] == "tensorflow"}
    print(
        f"{len(seeds)} networks   median wall s  CPU s  first step s  wall / TensorFlow's  CPU / TensorFlow's"
    )
    for way in ways:
        mine = {r["seed"]: r for r in records if r["way"] == way and r["seed"] in seeds}
        middle = {key: np.median([r[key] for r in mine.values()]) for key in ("wall", "cpu", "first_step")}
        ratio = {
            key: np.median([r[key] / base[seed][key] for seed, r in mine.items()]) for key in ("wall", "cpu")
        }
        print(
            f"{way:16s} {middle['wall']:12.1f} {middle['cpu']:6.1f} {middle['first_step']:13.1f} "
            f"{ratio['wall']:20.2f} {ratio['cpu']:18.2f}"
        )


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--to", type=Path, required=True)
    parser.add_argument("--candidates", type=int, default=10)
    parser.add_argument("--epochs", type=int, default=5)
    parser.add_argument("--keras", action="store_true")
    parser.add_argument("--table", action="store_true")
    arguments = parser.parse_args()
    text = arguments.to.read_text() if arguments.to.exists() else ""
    records = [json.loads(line) for line in text.splitlines()]
    if arguments.table:
        table(records)
        return
    way = keras.backend.backend() + (" by Keras" if arguments.keras else "")
    if arguments.keras:
        fit.make_loop = KerasLoop
    done = {record["seed"] for record in records if record["way"] == way}
    measured(10_000, 1)  # what only the first use in a process costs
    for seed in range(arguments.candidates):
        if seed not in done:
            line = json.dumps({"way": way, "seed": seed, **measured(seed, arguments.epochs)})
            with arguments.to.open("a") as file:
                file.write(line + "\n")
            print(line, flush=True)


if __name__ == "__main__":
    main()
