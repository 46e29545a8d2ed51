"""Runs in several rungs, killed at random moments and resumed: the journals are those of a run that was not.

``python benchmarks/search/kill_fidelity.py --kills 50`` trains real networks on digits (no download). Each run gets
SIGKILL once, at a random moment, and is resumed to its end; in two of three cases the states of trainings are deleted
or damaged before, so that they have to be made again from the specs. Compared: candidate, key, origin, state, fitness,
validation loss, seed and duplicate of every outcome, and the snapshots of all generations. ``--config
benchmarks/search/surrogate-tiny.yaml`` does the same with a surrogate that chooses offspring.
"""

from __future__ import annotations

import argparse
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np

from gondwana.nas.engine.records.run_folder import RunFolder
from gondwana.nas.engine.records.store import StoreError
from gondwana.nas.engine.records.training_states import FOLDER

CONFIG = Path(__file__).with_name("rungs-tiny.yaml")
LOSSES = ("kept", "deleted", "damaged")


def journal(path: Path) -> tuple[Any, ...]:
    """Return everything that a run decides or decides by; empty while there is no run."""
    try:
        with RunFolder.open(path).open_store(read_only=True) as store:
            asked = [
                (c.candidate.id, c.key, c.candidate.generation, c.candidate.origin)
                for c in store.candidates()
            ]
            told = {
                o.candidate_id: (o.state, o.fitness, o.metrics.get("val_loss"), o.seed, o.duplicate_of)
                for o in store.outcomes()
            }
            return asked, told, store.snapshots()
    except (ValueError, StoreError):  # killed before the database was made
        return [], {}, {}


def difference(found: tuple[Any, ...], expected: tuple[Any, ...]) -> str:
    """Return where two journals differ first, in words."""
    for name, ours, theirs in zip(("asked", "told", "snapshots"), found, expected, strict=True):
        if ours != theirs:
            pairs = (
                zip(ours, theirs, strict=False)
                if isinstance(ours, list)
                else (((key, ours.get(key)), (key, theirs[key])) for key in theirs)
            )
            first = next((pair for pair in pairs if pair[0] != pair[1]), f"{len(ours)}, {len(theirs)}")
            return f"{name}: {str(first)[:500]}"
    return "the run failed"


def command(path: Path, config: Path) -> list[str]:
    """Return how the run is begun or resumed."""
    gondwana = [sys.executable, "-c", "from gondwana.nas.cli import main; main()"]
    begun = (path / "run.sqlite").exists() and journal(path)[0]
    if begun:
        return [*gondwana, "resume", str(path)]
    shutil.rmtree(path, ignore_errors=True)
    return [*gondwana, "evolve", str(config), "--run-dir", str(path)]


def launch(path: Path, config: Path) -> subprocess.Popen[bytes]:
    """Start the driver, which trains in its own process."""
    return subprocess.Popen(command(path, config), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def lose(path: Path, what: str) -> int:
    """Delete or damage the states of trainings; return how many there were."""
    states = sorted((path / FOLDER).glob("*.state"))
    for state in states:
        if what == "deleted":
            state.unlink()
        elif what == "damaged":
            content = state.read_bytes()
            state.write_bytes(content[: len(content) // 2])
    return len(states)


def main() -> int:
    """Kill, resume, compare, print; 1 if a journal differs."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--config", type=Path, default=CONFIG, help="or surrogate-tiny.yaml")
    arguments = parser.parse_args()
    config = arguments.config
    rng, counts = np.random.default_rng(arguments.seed), Counter[str]()
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    with tempfile.TemporaryDirectory() as scratch:
        reference = Path(scratch, "undisturbed")
        begin = time.monotonic()
        if launch(reference, config).wait():
            print("the undisturbed run failed")
            return 1
        seconds, expected = time.monotonic() - begin, journal(reference)
        print(f"undisturbed: {len(expected[1])} outcomes in {seconds:.0f} s", flush=True)
        for number in range(arguments.kills):
            path, what = Path(scratch, str(number)), LOSSES[number % len(LOSSES)]
            driver = launch(path, config)
            try:
                driver.wait(timeout=float(rng.uniform(0.05, 0.95)) * seconds)
            except subprocess.TimeoutExpired:
                driver.send_signal(signal.SIGKILL)
                driver.wait()
                counts["killed"] += 1
            recorded = len(journal(path)[1])
            states = lose(path, what)
            failed = launch(path, config).wait() != 0
            same = not failed and journal(path) == expected
            counts["different"] += not same
            if not same:
                print(f"    differs: {difference(journal(path), expected)}")
            print(
                f"{number:>3} killed after {recorded} outcomes, {states} states {what}: same journal {same}",
                flush=True,
            )
            shutil.rmtree(path, ignore_errors=True)
    print(f"{counts['killed']} killed, {counts['different']} journals differ (target 0)")
    return int(counts["different"] > 0)


if __name__ == "__main__":
    raise SystemExit(main())
