"""The five small configs on real data: ``python benchmarks/codeepneat/small_tasks.py --data-dir DIR --out DIR``."""

from __future__ import annotations

import argparse
import subprocess
import time
from pathlib import Path

from exported import GONDWANA, outcomes

ROOT = Path(__file__).resolve().parents[2]
TARGETS = {
    "mnist-small": 0.975,
    "adult-small": 0.85,
    "toxicity-small": 0.93,
    "omniglot-small": None,
    "flowers-small": 10 / 102,
}
"""Least validation fitness of the best network; None means three times chance."""


def omniglot_chance() -> float:
    """Return the chance level of omniglot-small, mean over its alphabets."""
    import yaml

    from gondwana import tasks

    options = yaml.safe_load((ROOT / "configs/omniglot-small.yaml").read_text())["task"]["options"]
    return tasks.get("omniglot", **options).info.chance


def best_fitness(run_dir: Path) -> float:
    """Return the best validation fitness of a run."""
    return max(float(row["fitness"]) for row in outcomes(run_dir) if row["fitness"])


def main() -> int:
    """Run what has no run folder yet, print a table; 1 if a target is missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data-dir", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True, help="folder for the run folders")
    parser.add_argument("--only", choices=sorted(TARGETS))
    arguments = parser.parse_args()
    missed = 0
    for name in [arguments.only] if arguments.only else TARGETS:
        target = TARGETS[name] or 3 * omniglot_chance()
        run_dir, start = arguments.out / name, time.monotonic()
        if not run_dir.exists():
            command = [str(GONDWANA), "evolve", str(ROOT / f"configs/{name}.yaml"), "--run-dir", str(run_dir)]
            subprocess.run(
                [*command, "--data-dir", str(arguments.data_dir)], check=True, stdout=subprocess.DEVNULL
            )
        best = best_fitness(run_dir)
        missed += best < target
        verdict = "met" if best >= target else "MISSED"
        print(f"{name:<16} {best:.4f}  target {target:.4f}  {verdict}  {time.monotonic() - start:.0f} s")
    return 1 if missed else 0


if __name__ == "__main__":
    raise SystemExit(main())
