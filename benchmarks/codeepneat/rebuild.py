"""Rebuild every network of a run in this fresh process, and compare the numbers of parameters with the recorded ones:
``python benchmarks/codeepneat/rebuild.py RUN``."""

from __future__ import annotations

import argparse
import json
import os
import time

from exported import outcomes

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")


def main() -> int:
    """Rebuild, print a line for each disagreement, and a summary; 1 if there is any."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("run", help="run folder")
    start = time.monotonic()
    import keras

    from gondwana import tasks
    from gondwana.nas.searches.codeepneat.network.build import build, parameter_count

    checked = wrong = 0
    for row in outcomes(parser.parse_args().run):
        spec = json.loads(row["spec"])
        if spec["model"]["kind"] != "codeepneat" or not row["parameters"]:
            continue
        info = tasks.get(spec["task"]["name"], **spec["task"]["options"]).info
        model = build(spec["model"], info, int(spec["seed"]))
        numbers = model.count_params(), parameter_count(spec["model"], info), int(float(row["parameters"]))
        checked += 1
        if len(set(numbers)) > 1:
            wrong += 1
            print(
                f"candidate {row['candidate']}: built {numbers[0]}, planned {numbers[1]}, recorded {numbers[2]}"
            )
        keras.utils.clear_session()
    print(f"{checked} networks rebuilt, {wrong} disagree, {time.monotonic() - start:.0f} s")
    return 1 if wrong or not checked else 0


if __name__ == "__main__":
    raise SystemExit(main())
