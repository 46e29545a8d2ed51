"""Resident memory of a process that trains one new architecture after another.

    python benchmarks/training/memory.py [--candidates 100] [--plain]

Each candidate is a random network trained for one epoch on 384 random images and scored, followed by
``keras.backend.clear_session()`` and a garbage collection; ``--plain`` uses compile, fit and evaluate instead.
"""

from __future__ import annotations

import argparse
import gc
from pathlib import Path

import keras
import numpy as np
from candidates import random_network

from gondwana import tasks
from gondwana.tasks.training.fit import score, train
from gondwana.tasks.training.recipe import Recipe


def resident_megabytes() -> float:
    """Return the resident set of this process (Linux)."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096 / 2**20


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--candidates", type=int, default=100)
    parser.add_argument("--plain", action="store_true")
    arguments = parser.parse_args()
    info = tasks.get("mnist").info
    rng = np.random.default_rng(0)
    images = rng.normal(size=(384, 28, 28, 1)).astype(np.float32)
    split = tasks.Split(images, rng.integers(0, 10, 384).astype(np.int32))
    print("candidates  resident MB")
    for number in range(1, arguments.candidates + 1):
        model = random_network(info, number)
        if arguments.plain:
            model.compile("adam", loss=info.heads[0].loss, metrics=[info.heads[0].metric])
            model.fit(split.x, split.y, batch_size=128, verbose=0)
            model.evaluate(split.x, split.y, verbose=0)
        else:
            train(model, tasks.SearchData(split, split), info, Recipe(epochs=1, batch_size=128), number)
            score(model, split, info)
        del model
        keras.backend.clear_session()
        gc.collect()
        if number in (1, 5) or number % 10 == 0:
            print(f"{number:10d}  {resident_megabytes():11.0f}", flush=True)


if __name__ == "__main__":
    main()
