"""How many points of a killed process can be read from its TensorBoard event file: ours and tensorboardX's writer.

``pip install tensorboardX`` and ``python benchmarks/engine/event_files.py``. Each process writes 100 points, asks for
each to be flushed, and kills itself with SIGKILL right after the last one.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
POINTS = 100
REPEATS = 3


def write_ours(folder: Path) -> None:
    """Write the points with the writer of this project."""
    from gondwana.nas.engine.records.tensorboard_file import EventFile

    file = EventFile(folder)
    for step in range(POINTS):
        file.scalars(step, {"value": 0.5})


def write_tensorboardx(folder: Path) -> None:
    """Write the points with tensorboardX, which hands them to a thread."""
    from tensorboardX import SummaryWriter  # type: ignore[import-untyped,unused-ignore]

    writer = SummaryWriter(str(folder), flush_secs=0)
    for step in range(POINTS):
        writer.add_scalar("value", 0.5, step)
        writer.flush()


WRITERS = {"ours": write_ours, "tensorboardX": write_tensorboardx}


def readable(folder: Path) -> int:
    """Return the number of points that TensorFlow's own reader finds."""
    import tensorflow as tf

    files = map(str, folder.glob("events.out.tfevents.*"))
    events = (tf.compat.v1.Event.FromString(r.numpy()) for f in files for r in tf.data.TFRecordDataset(f))
    return sum(len(event.summary.value) for event in events)


def main() -> None:
    """Print a line for each writer; with a writer and a folder as arguments, be the process that is killed."""
    if len(sys.argv) == 3:
        WRITERS[sys.argv[1]](Path(sys.argv[2]))
        os.kill(os.getpid(), signal.SIGKILL)
    for name in WRITERS:
        found = []
        for _ in range(REPEATS):
            with tempfile.TemporaryDirectory() as folder:
                subprocess.run([sys.executable, __file__, name, folder], check=False)
                found.append(readable(Path(folder)))
        print(f"{name}: {', '.join(map(str, found))} of {POINTS} points")


if __name__ == "__main__":
    main()
