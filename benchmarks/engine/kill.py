"""1. Kill test: a worker, the node or the driver gets SIGKILL at a random moment; the run is resumed until it is done.

A cheap deterministic search (5 generations of 8, each generation depends on the whole one before, every fifth candidate
a duplicate) runs on 2 Ray workers. Compared with an undisturbed run: the journal in canonical form (candidate, spec's
key, generation, state, fitness, seed, duplicate), and the snapshots of all generations. Counted: outcomes that were
recorded before the kill and are missing or changed after, and evaluations begun after the kill of candidates whose
outcome had been recorded.
"""

from __future__ import annotations

import argparse
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

import numpy as np
from common import ROOT, raylet_of, table, workers_of

from gondwana.nas.engine.records.run_folder import RunFolder
from gondwana.nas.engine.records.store import StoreError
from tests.helpers.engine.fakes import TRACE

SECONDS = 0.25
TOTAL = 40
VICTIMS = ("worker", "node", "driver")


def journal(home: Path) -> dict[int, tuple]:
    """Return what is recorded, by candidate; empty while there is no run yet."""
    try:
        with RunFolder.open(home / "run").open_store(read_only=True) as store:
            outcomes = list(store.outcomes())  # first: the run may go on, and candidates come before outcomes
            keys = {item.candidate.id: (item.key, item.candidate.generation) for item in store.candidates()}
            return {
                o.candidate_id: (*keys[o.candidate_id], o.state, o.fitness, o.seed, o.duplicate_of)
                for o in outcomes
            }
    except (ValueError, StoreError) as error:
        expected = (
            not (home / "run" / "run.sqlite").exists()
            or "no run" in str(error)
            or "no such table" in str(error)
            or "before it began" in str(error)  # the driver is making the database at this moment
        )
        if not expected:
            print(f"    reading the run failed: {error}", flush=True)
        return {}


def snapshots(home: Path) -> dict:
    """Return the recorded snapshots."""
    with RunFolder.open(home / "run").open_store(read_only=True) as store:
        return store.snapshots()


def start(home: Path) -> subprocess.Popen:
    """Start or resume the run."""
    command = [sys.executable, "-m", "tests.helpers.engine.driver", str(home), "ray", str(SECONDS)]
    environment = os.environ | {"PYTHONPATH": str(ROOT), TRACE: str(home / "trace")}
    return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=environment)


def new_home(scratch: Path, name: str) -> Path:
    """Return a folder for one run."""
    home = scratch / name
    (home / "run").mkdir(parents=True)
    (home / "trace").mkdir()
    return home


def kill(driver: subprocess.Popen, victim: str, rng: np.random.Generator) -> bool:
    """Kill the victim; False if it is not there."""
    workers, raylet = workers_of(driver.pid), raylet_of(driver.pid)
    if victim == "driver":
        pids = [driver.pid]
    elif victim == "node":
        pids = [] if raylet is None else [raylet, *workers]
    else:
        pids = [int(rng.choice(workers))] if workers else []
    if not pids or driver.poll() is not None:
        return False
    for pid in pids:
        os.kill(pid, signal.SIGKILL)
    return True


def one_run(home: Path, victim: str, after: int, rng: np.random.Generator) -> dict[str, object]:
    """Run, kill, resume; return what happened."""
    driver = start(home)
    while driver.poll() is None and len(journal(home)) < after:
        time.sleep(0.01)
    time.sleep(float(rng.uniform(0, SECONDS)))
    moment, before = time.monotonic_ns(), {}
    killed = kill(driver, victim, rng)
    if killed:
        moment, before = time.monotonic_ns(), journal(home)
    sessions = 1
    while finish(driver):
        sessions += 1
        driver = start(home)
    now = journal(home)
    values = {f"{o[3]:.12f}" for o in before.values() if o[3] is not None}
    begun = [path.name.split(".") for path in (home / "trace").iterdir()]
    again = sum(f"{word[0]}.{word[1]}" in values and int(word[-1]) > moment for word in begun)
    return {
        "killed": killed,
        "sessions": sessions,
        "lost": sum(now.get(key) != value for key, value in before.items()),
        "again": again,
    }


def finish(driver: subprocess.Popen) -> bool:
    """Wait for the driver's end; True if the run has to be resumed. A driver that hangs is an error."""
    try:
        return driver.wait(timeout=180) != 0
    except subprocess.TimeoutExpired:
        driver.kill()
        driver.wait()
        raise SystemExit("the driver hung for 180 s after a kill") from None


def main() -> int:
    """Kill and resume many runs, and compare."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=100)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    rng = np.random.default_rng(arguments.seed)
    counts: Counter[str] = Counter()
    with tempfile.TemporaryDirectory() as folder:
        home = new_home(Path(folder), "undisturbed")
        if finish(start(home)):
            return 1
        reference, generations = journal(home), snapshots(home)
        for number in range(arguments.runs):
            victim = VICTIMS[number % len(VICTIMS)]
            home = new_home(Path(folder), str(number))
            after = int(rng.integers(0, TOTAL - 2))
            got = one_run(home, victim, after, rng)
            same = journal(home) == reference and snapshots(home) == generations
            counts.update({f"{victim} killed": int(bool(got["killed"])), "resumed": int(got["sessions"]) - 1})
            counts.update({"lost": int(got["lost"]), "again": int(got["again"]), "different": int(not same)})
            print(f"{number:>3} {victim} after {after} outcomes: {got}, same journal: {same}", flush=True)
            if not same:
                now = journal(home)
                print(
                    "    differs:", {key: now.get(key) for key in reference if now.get(key) != reference[key]}
                )
    print()
    rows: list[tuple[str, object, str, bool]] = [
        ("runs with a kill", arguments.runs, "", True),
        *((f"{victim} killed", counts[f"{victim} killed"], "", True) for victim in VICTIMS),
        ("times resumed", counts["resumed"], "", True),
        ("journals that differ from the undisturbed one", counts["different"], "0", counts["different"] == 0),
        ("recorded outcomes lost or changed", counts["lost"], "0", counts["lost"] == 0),
        ("trained again after being recorded", counts["again"], "0", counts["again"] == 0),
    ]
    return table(rows)


if __name__ == "__main__":
    raise SystemExit(main())
