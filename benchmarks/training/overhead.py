"""What a short training costs beside its steps: `gondwana.tasks.training.fit` against plain compile, fit and evaluate.

    python benchmarks/training/overhead.py --data-dir DATA [--candidates 8] [--epochs 1 5]

Both train the same random networks (candidates.py) with the same optimizer on 5,000 MNIST images, batch 128, and score
them on 1,000, at one thread in one process, taking turns. CPU seconds are less disturbed by other programs than wall
seconds. The table shows the sum over candidates; `ratio` is ours over theirs.
"""

from __future__ import annotations

import argparse
import resource
import time
from collections.abc import Callable
from pathlib import Path

import keras
from candidates import random_network

from gondwana import tasks
from gondwana.tasks.training import backend
from gondwana.tasks.training.fit import score, train
from gondwana.tasks.training.recipe import Recipe


def cost(job: Callable[[], object]) -> tuple[float, float]:
    """Return (CPU seconds of the process, wall seconds) of a call."""

    def cpu() -> float:
        usage = resource.getrusage(resource.RUSAGE_SELF)
        return usage.ru_utime + usage.ru_stime

    before, start = cpu(), time.perf_counter()
    job()
    return cpu() - before, time.perf_counter() - start


def ours(task: tasks.Task, data: tasks.SearchData, seed: int, epochs: int) -> Callable[[], object]:
    def job() -> None:
        model = random_network(task.info, seed)
        train(model, data, task.info, Recipe(epochs=epochs, batch_size=128), seed)
        score(model, data.validation, task.info)

    return job


def plain(task: tasks.Task, data: tasks.SearchData, seed: int, epochs: int) -> Callable[[], object]:
    def job() -> None:
        model = random_network(task.info, seed)
        head = task.info.heads[0]
        model.compile("adam", loss=head.loss, metrics=[head.metric])
        model.fit(data.train.x, data.train.y, batch_size=128, epochs=epochs, verbose=0)
        model.evaluate(data.validation.x, data.validation.y, verbose=0)

    return job


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data-dir", type=Path)
    parser.add_argument("--candidates", type=int, default=8)
    parser.add_argument("--epochs", type=int, nargs="+", default=[1, 5])
    arguments = parser.parse_args()
    backend.set_threads(1)
    task = tasks.get("mnist", train_size=5000, validation_size=1000)
    data = task.search_data(arguments.data_dir)
    for job in (ours, plain):  # what only the first use in a process costs
        job(task, data, 10_000, 1)()
    print("epochs  CPU s ours  CPU s plain  ratio   wall s ours  wall s plain  ratio   median CPU ratio")
    for epochs in arguments.epochs:
        sums, ratios = [0.0] * 4, []
        for seed in range(arguments.candidates):
            first, second = (ours, plain) if seed % 2 else (plain, ours)
            costs = {job: cost(job(task, data, seed, epochs)) for job in (first, second)}
            keras.backend.clear_session()
            row = [costs[ours][0], costs[plain][0], costs[ours][1], costs[plain][1]]
            sums = [total + value for total, value in zip(sums, row, strict=True)]
            ratios.append(row[0] / row[1])
        median = sorted(ratios)[len(ratios) // 2]
        print(
            f"{epochs:6d}  {sums[0]:10.2f}  {sums[1]:11.2f}  {sums[0] / sums[1]:5.2f}  {sums[2]:12.2f}  "
            f"{sums[3]:12.2f}  {sums[2] / sums[3]:5.2f}  {median:17.2f}",
            flush=True,
        )


if __name__ == "__main__":
    main()
