"""Properties of graphs over many random functions and chains of 20 mutations.

    python benchmarks/activations/properties.py [--graphs 10000] [--chain 20] [--seed 0]

Each of ``graphs`` chains starts at a sampled function and mutates it ``chain`` times. Every function must round-trip
through text and JSON and leave its parent unchanged. The last one of each chain is evaluated in NumPy and by Keras
operations in float64; every twentieth, if usable, also by SymPy. Values are compared where finite: they may differ by
1e-9 of the value, plus what rounding the input by a few units in the last place changes (ill-conditioned functions).
The digest of all texts shows that a seed gives the same functions everywhere.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import sys
import time

import numpy as np
import sympy as sp
from keras import ops

from gondwana import activations
from gondwana.activations import Graph
from gondwana.activations.operators.registry import operator
from gondwana.activations.study.symbolic import X, to_sympy

POINTS = np.concatenate([np.linspace(-4, 4, 33), np.random.default_rng(0).normal(size=95)])


def keras_values(graph: Graph) -> np.ndarray:
    """Evaluate by Keras operations, eagerly, in float64, parameters at 1."""

    def apply(step, inputs):
        return inputs[0] if step.operator is None else operator(step.operator).keras(*inputs)

    return ops.convert_to_numpy(graph.program.run(ops.convert_to_tensor(POINTS, dtype="float64"), apply))


def conditioning(graph: Graph) -> np.ndarray:
    """Return how much each value changes when the input is rounded differently."""
    moved = [graph(POINTS * (1 + k * 2.2e-16) + k * 1e-17) for k in (-4, -2, 2, 4)]
    with np.errstate(invalid="ignore"):
        spread = np.max(moved, axis=0) - np.min(moved, axis=0)
    return np.where(np.isfinite(spread), spread, np.inf)


def disagreement(values: np.ndarray, other: np.ndarray, slack: np.ndarray) -> float:
    """Return the largest difference in units of what is allowed, where both are finite."""
    finite = np.isfinite(values) & np.isfinite(other)
    with np.errstate(invalid="ignore"):
        allowed = 1e-9 * np.abs(values) + 100 * slack + 1e-15
        return float((np.abs(values - other) / allowed)[finite].max(initial=0.0))


def sympy_values(graph: Graph, points: np.ndarray) -> np.ndarray:
    """Evaluate by SymPy at ``points``; NaN where it has no real value."""
    return np.array([_sympy_value(to_sympy(graph, parameters=False), point) for point in points])


def _sympy_value(expression: sp.Expr, point: float) -> float:
    try:
        value = complex(sp.N(expression.subs(X, sp.Float(float(point), 25)), 25))
    except (
        ValueError,
        TypeError,
        ArithmeticError,
    ):  # a pole or a complex number inside a Max, a number too large
        return float("nan")
    return value.real if abs(value.imag) < 1e-12 else float("nan")


def chain(rng: np.random.Generator, length: int) -> list[Graph]:
    """Return a sampled function and its descendants; every step is checked."""
    graphs = [activations.sample(rng)]
    for _ in range(length):
        parent = graphs[-1]
        nodes = parent.nodes
        child = activations.parametrize(activations.mutate(parent, rng), rng)
        assert parent.nodes == nodes, f"{parent} was changed"
        assert activations.parse(str(child)) == child, f"{child} does not round-trip through text"
        assert Graph.from_json(json.loads(json.dumps(child.to_json()))) == child, f"{child}: JSON"
        graphs.append(child)
    return graphs


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--graphs", type=int, default=10_000)
    parser.add_argument("--chain", type=int, default=20)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    rng = np.random.default_rng(options.seed)
    digest = hashlib.sha256()
    keras_worst, sympy_worst, worst, checked, sizes = 0.0, 0.0, "", 0, []
    started = time.perf_counter()
    for number in range(options.graphs):
        graphs = chain(rng, options.chain)
        digest.update("\n".join(map(str, graphs)).encode())
        last = graphs[-1]
        sizes.append(last.size)
        values, slack = last(POINTS), conditioning(last)
        distance = disagreement(values, keras_values(last), slack)
        if distance > keras_worst:
            keras_worst, worst = distance, str(last)
        if number % 20 == 0 and activations.problem(last) is None:
            exact = sympy_values(last, POINTS[:33:4])
            sympy_worst = max(sympy_worst, disagreement(values[:33:4], exact, slack[:33:4]))
            checked += 1
    print(f"functions                     {options.graphs * (options.chain + 1):>12,}")
    print(f"round trips, parents kept     {options.graphs * options.chain:>12,}")
    print(f"operators, median and largest {np.median(sizes):>8.0f} {max(sizes):>3}")
    print(
        f"NumPy - Keras, of what is allowed (1)  {keras_worst:.2g}   in {options.graphs} functions; worst: {worst}"
    )
    print(f"NumPy - SymPy, of what is allowed (1)  {sympy_worst:.2g}   in {checked} functions")
    print(f"digest of all texts           {digest.hexdigest()[:16]}")
    print(f"seconds                       {time.perf_counter() - started:>12.1f}")
    if max(keras_worst, sympy_worst) > 1:
        sys.exit("missed: the forms of a function disagree")


if __name__ == "__main__":
    main()
