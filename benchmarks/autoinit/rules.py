"""Every registered rule against simulation: the examples of the test suite, as a table."""

from __future__ import annotations

import sys
import warnings
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))  # for tests.helpers

import numpy as np

from gondwana import autoinit
from tests.autoinit.rules.test_conformance import cases
from tests.helpers.simulation import model_of, simulate


def main() -> int:
    warnings.simplefilter("ignore")
    print(f"{'rule':42}{'mean':>10}{'simulated':>11}{'second':>10}{'simulated':>11}{'z':>7}{'error':>9}")
    bad = 0
    for case in cases():
        example, mode = case.values
        model = model_of(example.make(), *example.shapes, dtype=example.dtype)
        plan = autoinit.plan(
            model, propagation=mode, input_mean=example.mean, input_variance=example.variance, samples=200_000
        )
        integers = example.dtype == "int32"
        inputs = (
            (lambda rng, batch, e=example: [rng.integers(0, 9, (batch, *e.shapes[0]))]) if integers else None
        )
        rows = simulate(
            model, plan, example.mean, example.variance, example.draws, example.batch, make_inputs=inputs
        )
        signal = plan.calls[-1].outputs[0]
        estimate, error = rows.mean(axis=0), rows.std(axis=0, ddof=1) / np.sqrt(len(rows))
        off = np.abs(np.array([signal.mean, signal.second_moment]) - estimate)
        allowed = example.bias * np.array([signal.second_moment**0.5, signal.second_moment])
        z = float(np.max(np.maximum(off - allowed, 0) / np.maximum(error, 1e-12)))
        relative = off[1] / max(signal.second_moment, 1e-12)
        bad += z > 5
        print(
            f"{case.id:42}{signal.mean:10.4f}{estimate[0]:11.4f}{signal.second_moment:10.4f}{estimate[1]:11.4f}"
            f"{z:7.2f}{relative:9.4f}",
            flush=True,
        )
    print(f"\n{bad} rules beyond 5 standard errors (after the stated bias)")
    return int(bad > 0)


if __name__ == "__main__":
    sys.exit(main())
