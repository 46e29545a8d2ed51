"""Kill the driver with SIGKILL in the middle of a run, resume it, and compare with an undisturbed run.

Several kills are made, at moments spread over the run. Compared are the candidates (specs and their order), the
outcomes, and the final population; and that no evaluation recorded before the kill was done again.
"""

from __future__ import annotations

import argparse
import os
import signal
import sqlite3
import subprocess
import tempfile
import time
from pathlib import Path

from common import GONDWANA, ROOT, outcomes, run, table

SAME = ("candidate", "generation", "spec", "seed", "state", "fitness", "parameters")


def recorded(run_dir: Path) -> dict[str, str]:
    """Return the recorded outcomes, id -> row as text with its time of recording, read without the project's code."""
    database = next(run_dir.glob("*.sqlite"), None)
    if database is None:
        return {}
    with sqlite3.connect(f"file:{database}?mode=ro", uri=True) as connection:
        try:
            return {str(row[0]): repr(row) for row in connection.execute("SELECT * FROM outcomes")}
        except sqlite3.OperationalError:  # the table is not there yet
            return {}


def killed_run(config: list[str], run_dir: Path, after: int) -> dict[str, str]:
    """Start the run, kill its driver once ``after`` outcomes are recorded, return what had been recorded."""
    command = [str(GONDWANA), "evolve", *config, "--run-dir", str(run_dir)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as driver:
        while len(recorded(run_dir)) < after and driver.poll() is None:
            time.sleep(0.05)
        os.kill(driver.pid, signal.SIGKILL)
        driver.wait()
    return recorded(run_dir)


def main() -> int:
    """Compare an undisturbed run with runs killed at several moments and resumed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=3)
    parser.add_argument("--config", default="configs/digits.yaml")
    parser.add_argument("--set", action="append", default=[], help="override, as for gondwana evolve")
    arguments = parser.parse_args()
    config = [arguments.config, *(word for value in arguments.set for word in ("--set", value))]
    rows: list[tuple[str, object, str, bool]] = []
    with tempfile.TemporaryDirectory() as scratch:
        whole = Path(scratch, "undisturbed")
        done = run("evolve", *config, "--run-dir", whole)
        if done.code:
            print(done.err)
            return 1
        reference = outcomes(whole)
        snapshot = run("show", whole, "--snapshot").out
        rows.append(("candidates of the undisturbed run", len(reference), "", True))
        for kill in range(arguments.kills):
            run_dir = Path(scratch, f"killed-{kill}")
            before = killed_run(
                config, run_dir, after=round(len(reference) * (kill + 1) / (arguments.kills + 1))
            )
            resumed = run("resume", run_dir)
            after = recorded(run_dir)
            rerun = sum(after.get(key) != value for key, value in before.items())
            got = outcomes(run_dir)
            label = f"killed with {len(before)} recorded: "
            same = [tuple(r[k] for k in SAME) for r in got] == [tuple(r[k] for k in SAME) for r in reference]
            population = run("show", run_dir, "--snapshot").out == snapshot != ""
            rows += [
                (label + "resume exit code", resumed.code, "0", resumed.code == 0),
                (label + "recorded and done again", rerun, "0", rerun == 0),
                (label + "same candidates and outcomes", same, "True", same),
                (label + "same final population", population, "True", population),
            ]
    return table(rows)


if __name__ == "__main__":
    raise SystemExit(main())
