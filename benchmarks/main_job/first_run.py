"""Do what a newcomer does: a fresh environment, one command; then load the best network and score it again."""

from __future__ import annotations

import argparse
import re
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from common import ROOT, table

RESCORE = """
import sys
import keras
from gondwana import activations
from gondwana import tasks
from pathlib import Path
model = keras.models.load_model(sys.argv[1])
split = tasks.get("digits").search_data().validation
predicted = model.predict(split.x, verbose=0).argmax(axis=-1)
print("RESCORED", float((predicted == split.y.reshape(-1)).mean()))
"""


def main() -> int:
    """Time the first command of the README in a fresh environment and check its result."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--python", default=sys.executable, help="interpreter that makes the environment")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        source = Path(scratch, "gondwana")
        subprocess.run(["git", "clone", "-q", str(ROOT), str(source)], check=True)
        environment = Path(scratch, "venv")
        subprocess.run([arguments.python, "-m", "venv", str(environment)], check=True)
        command = f". {environment}/bin/activate && pip install -q . && date +%s && gondwana evolve configs/digits.yaml"
        start = time.monotonic()
        done = subprocess.run(
            ["bash", "-c", command], cwd=source, capture_output=True, text=True, check=False
        )
        seconds = time.monotonic() - start
        print(done.stdout[-3000:], done.stderr[-2000:])
        if done.returncode:
            return 1
        best = re.search(r"(\S+best\.keras)", done.stdout)
        report = re.search(r"(\S+report\.html)", done.stdout)
        printed = re.search(r"validation accuracy\D*([01]\.\d+)", done.stdout)
        if not (best and report and printed):
            print("the last lines do not name best.keras, report.html and the validation accuracy")
            return 1
        accuracy = float(printed.group(1))
        elsewhere = shutil.copy(source / best.group(1), scratch)
        python = str(environment / "bin" / "python")
        again = subprocess.run(
            [python, "-c", RESCORE, elsewhere], cwd=scratch, capture_output=True, text=True, check=True
        )
        rescored = float(again.stdout.split("RESCORED")[1])
    return table(
        [
            ("seconds, install and run", f"{seconds:.0f}", "at most 300", seconds <= 300),
            ("validation accuracy printed", f"{accuracy:.4f}", "at least 0.985", accuracy >= 0.985),
            ("the same, best.keras loaded anew", f"{rescored:.4f}", "equal", abs(rescored - accuracy) < 5e-5),
        ]
    )


if __name__ == "__main__":
    raise SystemExit(main())
