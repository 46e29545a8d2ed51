"""3. Overhead: an evaluation by the engine's worker against a plain loop of compile, fit and evaluate.

Both train the same networks: the first candidates of configs/mnist-small.yaml (5,000 real MNIST images), built from
their specs. Ours is ``nas/evaluation/evaluate.py``: building, initializing, training, scoring, freeing memory. The
plain loop builds the same network and calls ``compile``, ``fit`` and ``evaluate`` with the recipe's optimizer, batch
size and epochs, and then ``clear_session``; it does not initialize. One process, one thread, in alternation; process
CPU seconds, so that other load on the machine counts little.
"""

from __future__ import annotations

import argparse
import os
import time
from collections import Counter
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np
from common import ROOT, table

from gondwana import tasks
from gondwana.nas.candidate import State
from gondwana.nas.config.schema import load_config
from gondwana.nas.engine.execute import build_search
from gondwana.nas.engine.pools.worker import prepare
from gondwana.nas.evaluation.evaluate import evaluate, load_search_data
from gondwana.tasks.base import SearchData, TaskInfo

TARGETS = {1: 0.72, 5: 0.87}


def plain(spec: dict, data: SearchData, info: TaskInfo) -> None:
    """Train and score a candidate as anybody would."""
    from gondwana.nas.searches.codeepneat.network.build import build

    recipe = spec["training"]
    model = build(spec["model"], info, seed=spec["seed"])
    head = info.heads[0]
    optimizer = keras.optimizers.get(recipe["optimizer"])
    optimizer.learning_rate = recipe["learning_rate"]
    model.compile(optimizer=optimizer, loss=head.loss, metrics=[head.metric])
    model.fit(data.train.x, data.train.y, batch_size=recipe["batch_size"], epochs=recipe["epochs"], verbose=0)
    model.evaluate(data.validation.x, data.validation.y, batch_size=500, verbose=0)
    del model
    keras.utils.clear_session()


def main() -> int:
    """Measure both ways, in alternation."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--candidates", type=int, default=8)
    parser.add_argument("--config", type=Path, default=ROOT / "configs" / "mnist-small.yaml")
    parser.add_argument("--data-dir", type=Path)
    arguments = parser.parse_args()
    prepare(threads=1)
    config = load_config(arguments.config)
    task = config.task.model_dump(mode="json")
    info = tasks.get(task["name"], **task["options"]).info
    data = load_search_data(task, arguments.data_dir)
    candidates = build_search(config).ask(arguments.candidates)
    rows: list[tuple[str, object, str, bool]] = [("candidates", len(candidates), "", True)]
    evaluate(_spec(candidates[0].spec, 1), data)  # imports and first use are nobody's overhead
    for epochs, target in TARGETS.items():
        ours, theirs, phases = [], [], Counter()
        for candidate in candidates:
            spec = _spec(candidate.spec, epochs)
            start = time.process_time()
            report = evaluate(spec, data)
            ours.append(time.process_time() - start)
            if report.state is not State.COMPLETED:
                raise SystemExit(f"candidate {candidate.id} ended {report.state.value}: {report.reason}")
            phases.update(report.seconds)
            start = time.process_time()
            plain(spec, data, info)
            theirs.append(time.process_time() - start)
        ratio = sum(ours) / sum(theirs)
        median = float(np.median(np.divide(ours, theirs)))
        rows += [
            (f"{epochs} epochs: CPU s ours / plain", f"{sum(ours):.1f} / {sum(theirs):.1f}", "", True),
            (f"{epochs} epochs: ratio of sums", f"{ratio:.3f}", f"at most {target}", ratio <= target),
            (f"{epochs} epochs: median of ratios", f"{median:.3f}", "", True),
            *(
                (f"{epochs} epochs: share of wall time {phase}", f"{seconds / phases.total():.3f}", "", True)
                for phase, seconds in phases.items()
            ),
        ]
    return table(rows)


def _spec(spec: dict, epochs: int) -> dict:
    return {**spec, "training": {**spec["training"], "epochs": epochs}}


if __name__ == "__main__":
    raise SystemExit(main())
