"""5. Memory: many real candidates, one after another, in one worker slot; resident memory of the worker after each.

Candidates are those that the search of configs/digits.yaml asks for, trained for one epoch on digits. Printed is the
curve, the maximum of each twentieth of the run; ``--recycle-after 1000000`` shows it without recycling.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from typing import Any

from common import ROOT, table

from gondwana.nas.config.schema import load_config
from gondwana.nas.engine.execute import build_search
from gondwana.nas.engine.pools import ray_environment
from gondwana.nas.engine.pools.protocol import Job
from gondwana.nas.engine.pools.ray_options import RayOptions
from gondwana.nas.engine.pools.worker import prepare, resident_mb
from gondwana.nas.evaluation.evaluate import Report, evaluate, load_search_data


def work(spec: Mapping[str, Any], data: Any) -> Report:
    """Evaluate, and note the memory afterwards."""
    report = evaluate(spec, data)
    return replace(report, metrics={**report.metrics, "resident_mb": resident_mb()})


def main() -> int:
    """Run and print the curve."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--candidates", type=int, default=500)
    parser.add_argument("--recycle-after", type=int, default=100)
    arguments = parser.parse_args()
    config = load_config(ROOT / "configs" / "digits.yaml", ["training.epochs=1", "generations=1000"])
    data = load_search_data(config.task.model_dump(mode="json"))
    ray_environment.prepare("local")
    from gondwana.nas.engine.pools.ray_pool import RayPool

    options = RayOptions(workers=1, recycle_after=arguments.recycle_after, setup=partial(prepare, 1))
    curve: list[float] = []
    with RayPool(options) as pool:
        pool.share("data", data)
        for number in range(arguments.candidates):
            search = build_search(config.model_copy(update={"seed": number // 8}))
            candidate = search.ask(number % 8 + 1)[-1]
            pool.submit(Job(number, candidate.spec, work, "data"))
            while pool.pending:
                for result in pool.wait(timeout=60):
                    curve.append(result.report.metrics.get("resident_mb", 0.0))
    step = max(1, len(curve) // 20)
    peaks = [max(curve[start : start + step]) for start in range(0, len(curve), step)]
    for index, peak in enumerate(peaks):
        print(f"{index * step:>5} {peak:7.0f} MB {'#' * round(peak / 20)}")
    print()
    half = max(curve[: len(curve) // 2])
    return table(
        [
            ("candidates in one slot", len(curve), "", True),
            ("workers replaced after", arguments.recycle_after, "candidates", True),
            ("largest resident memory, MB", f"{max(curve):.0f}", "", True),
            (
                "second half over first",
                f"{max(curve) / half:.2f}",
                "bounded: at most 1.1",
                max(curve) / half <= 1.1,
            ),
        ]
    )


if __name__ == "__main__":
    raise SystemExit(main())
