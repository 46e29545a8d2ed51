"""What recording learning curves costs: seconds of scoring between epochs over seconds of training, per candidate.

Tracing the network and optimizing its graph is left out: scoring the whole split in the end needs both without a curve,
too. ``python benchmarks/search/curve_cost.py --data-dir DIR`` evaluates the first candidates of some presets.
"""

from __future__ import annotations

import argparse
import os
import statistics
import time
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

TARGET = 0.03
PRESETS = ("digits", "mnist-small", "adult-small", "omniglot-small")


def main() -> int:
    """Evaluate and print a table; 1 if the target is missed for a preset."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data-dir", type=Path)
    parser.add_argument("--candidates", type=int, default=4)
    arguments = parser.parse_args()
    from gondwana.nas.config.schema import load_config
    from gondwana.nas.engine.execute import build_search
    from gondwana.nas.engine.pools.worker import prepare
    from gondwana.nas.evaluation import training
    from gondwana.nas.evaluation.evaluate import evaluate, load_search_data
    from gondwana.tasks.training import scoring

    prepare(1)
    spent: list[float] = []
    traced: list[float] = []
    score, made = training.Training.score, scoring.Scorer.__init__

    def noted(self: training.Training) -> dict[str, float]:
        spent.append(self.scoring_seconds)
        return score(self)

    def timed(self: scoring.Scorer, *arguments: object) -> None:
        begin = time.perf_counter()
        made(self, *arguments)
        self.part()  # the first pass optimizes the graph
        traced.append(time.perf_counter() - begin)

    training.Training.score = noted  # type: ignore[method-assign]
    scoring.Scorer.__init__ = timed  # type: ignore[method-assign]
    missed = False
    for name in PRESETS:
        config = load_config(name)
        data = load_search_data(config.task.model_dump(mode="json"), arguments.data_dir)
        shares = []
        for candidate in build_search(config).ask(arguments.candidates):
            report = evaluate(candidate.spec, data)
            trained = report.seconds["trained"]
            shares.append((spent[-1] - traced[-1]) / trained if len(report.curve) > 1 else 0.0)
        middle = statistics.median(shares)
        missed |= middle > TARGET
        print(
            f"{name:<16} {len(shares)} candidates: median {middle:.4f}, largest {max(shares):.4f} of the training"
        )
    return int(missed)


if __name__ == "__main__":
    raise SystemExit(main())
