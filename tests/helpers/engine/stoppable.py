"""A whole run of slow pretended trainings, to be interrupted: ``stoppable.py FOLDER POOL``."""

from __future__ import annotations

import sys
import time
from pathlib import Path

from gondwana.nas.candidate import State
from gondwana.nas.config.schema import load_config
from gondwana.nas.engine.execute import Execution, start
from gondwana.nas.evaluation.evaluate import Report
from tests.helpers.engine.driver import open_pool
from tests.helpers.engine.fakes import no_setup

CONFIG = Path(__file__).resolve().parents[3] / "configs" / "digits.yaml"


def slow(spec, data) -> Report:
    """Take two seconds."""
    time.sleep(2.0)
    return Report(State.COMPLETED, fitness=0.5, parameters=1)


if __name__ == "__main__":

    def pool(engine):
        made = open_pool(sys.argv[2])
        made.devices = no_setup
        return made

    execution = Execution(open_pool=pool, work=slow, load_data=lambda task, folder: "data")
    result = start(load_config(CONFIG, ["generations=5", "finalists=0"]), Path(sys.argv[1]), execution)
    print("finished" if result.finished else "stopped", flush=True)
