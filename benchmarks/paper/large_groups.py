"""Time and memory of a comparison of groups of up to a million values.

    python benchmarks/paper/large_groups.py [--largest 1000000]

Each comparison is a process of its own; its memory is what the process needs at its peak beyond what it held when the
groups were made. The bars are 10 s and 1 GiB for 100,000 against 100,000 and for 8 against 100,000.
"""

from __future__ import annotations

import argparse
import resource
import subprocess
import sys
import time

import numpy as np

DESIGNS = (("independent", 8, 100_000), ("independent", 100_000, 100_000), ("paired", 100_000, 100_000))
ROUNDED = 3
"""Decimals: fitnesses of networks are shares of some thousand examples, and tie."""


def peak() -> float:
    """Return the largest amount of memory that this process has held, in MiB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def measure(kind: str, first: int, second: int) -> None:
    """Print the seconds and MiB of one comparison."""
    from gondwana.nas.statistics import compare

    rng = np.random.default_rng(0)
    groups = {
        "a": np.round(rng.normal(size=first), ROUNDED),
        "b": np.round(rng.normal(0.01, 1, second), ROUNDED),
    }
    compare(
        {name: values[:8] for name, values in groups.items()}, paired=kind == "paired"
    )  # what is loaded once
    before, start = peak(), time.perf_counter()
    compare(groups, paired=kind == "paired")
    seconds = time.perf_counter() - start
    print(f"{kind:<12} {first:>9,} {second:>9,} {seconds:>8.1f} s {peak() - before:>8.0f} MiB")


def main() -> None:
    """Print a row for each design, and one for the largest groups."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--largest", type=int, default=1_000_000, help="size of both groups of the last rows")
    parser.add_argument(
        "--one", nargs=3, metavar=("KIND", "FIRST", "SECOND"), help="one comparison, in this process"
    )
    chosen = parser.parse_args()
    if chosen.one:
        measure(chosen.one[0], int(chosen.one[1]), int(chosen.one[2]))
        return
    largest = [(kind, chosen.largest, chosen.largest) for kind in ("independent", "paired")]
    for design in (*DESIGNS, *largest):
        subprocess.run([sys.executable, __file__, "--one", *map(str, design)], check=True)


if __name__ == "__main__":
    main()
