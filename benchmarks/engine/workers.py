"""2. The same run on 1, 2 and 4 workers: equal candidates, outcomes and populations, with real trainings.

Each worker computes on one thread, so the numbers do not depend on how many there are.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

from common import ROOT, table

from gondwana.nas.config.schema import load_config
from gondwana.nas.engine.execute import start
from gondwana.nas.engine.records.run_folder import RunFolder

SMALL = [
    "generations=2",
    "training.epochs=2",
    "search.population.blueprints=3",
    "search.population.modules=6",
    "search.preserved_networks=1",
    "engine.resources.num_cpus=1",
]


def canonical(path: Path) -> tuple[list, dict, list]:
    """Return candidates, outcomes without times and places, and snapshots."""
    with RunFolder.open(path).open_store(read_only=True) as store:
        candidates = [(item.candidate.id, item.key) for item in store.candidates()]
        outcomes = {
            o.candidate_id: (o.state, o.fitness, o.parameters, o.seed, o.duplicate_of, figures(o.metrics))
            for o in store.outcomes()
        }
        finals = [(final.outcome.candidate_id, figures(final.outcome.metrics)) for final in store.finals()]
        return candidates, outcomes, [sorted(store.snapshots().items()), finals]


def figures(metrics: dict[str, float]) -> dict[str, float]:
    """Return the metrics that are not times."""
    return {name: value for name, value in metrics.items() if "seconds" not in name}


def main() -> int:
    """Run three times and compare."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--config", type=Path, default=ROOT / "configs" / "digits.yaml")
    parser.add_argument("--workers", type=int, nargs="+", default=[1, 2, 4])
    arguments = parser.parse_args()
    runs = {}
    with tempfile.TemporaryDirectory() as folder:
        for workers in arguments.workers:
            path = Path(folder, str(workers))
            start(load_config(arguments.config, [*SMALL, f"engine.workers={workers}"]), path)
            runs[workers] = canonical(path)
            print(f"{workers} workers: {len(runs[workers][1])} outcomes", flush=True)
    first = runs[arguments.workers[0]]
    names = ("candidates", "outcomes", "populations and finalists")
    rows: list[tuple[str, object, str, bool]] = []
    for workers in arguments.workers[1:]:
        for name, one, two in zip(names, first, runs[workers], strict=True):
            rows.append(
                (f"{name}, {arguments.workers[0]} against {workers} workers", one == two, "True", one == two)
            )
    return table(rows)


if __name__ == "__main__":
    raise SystemExit(main())
