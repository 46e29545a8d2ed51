"""Evolve networks on 5,000 real MNIST images for two generations; print the best validation accuracy."""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

from common import outcomes, run, table


def main() -> int:
    """Run configs/mnist-small.yaml and compare the best fitness with the target."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data-dir", required=True, type=Path, help="folder that holds mnist/*.gz")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        run_dir = Path(scratch, "run")
        data_dir = arguments.data_dir.resolve()
        done = run("evolve", "configs/mnist-small.yaml", "--data-dir", data_dir, "--run-dir", run_dir)
        print(done.out)
        if done.code:
            print(done.err)
            return 1
        rows = outcomes(run_dir)
    best = max(float(row["fitness"]) for row in rows if row["fitness"])
    failed = sum(not row["fitness"] for row in rows)
    return table(
        [
            ("seconds", f"{done.seconds:.0f}", "", True),
            ("candidates", len(rows), "", True),
            ("failures", failed, "", True),
            ("best validation accuracy", f"{best:.4f}", "at least 0.96", best >= 0.96),
        ]
    )


if __name__ == "__main__":
    raise SystemExit(main())
