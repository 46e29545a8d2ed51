"""Speed of sampling, parsing and integrating, and the accuracy of the integrals against mpmath.

python benchmarks/activations/speed.py [--functions 5000] [--kept 4000 50000] [--against-mpmath 200] [--seed 0]
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable
from itertools import islice

import mpmath as mp
import numpy as np

from gondwana import activations, autoinit
from gondwana.activations import Graph

DIGITS = 20
ONE = mp.mpf(1)


def _elu(x: mp.mpf) -> mp.mpf:
    return x if x > 0 else mp.expm1(x)


UNARY: dict[str, Callable[[mp.mpf], mp.mpf]] = {
    "zero": lambda x: mp.mpf(0),
    "one": lambda x: ONE,
    "identity": lambda x: x,
    "negative": lambda x: -x,
    "abs": abs,
    "reciprocal": lambda x: 1 / x,
    "square": lambda x: x * x,
    "exp": mp.exp,
    "erf": mp.erf,
    "erfc": mp.erfc,
    "sinh": mp.sinh,
    "cosh": mp.cosh,
    "tanh": mp.tanh,
    "expm1": mp.expm1,
    "sigmoid": lambda x: 1 / (1 + mp.exp(-x)),
    "log_sigmoid": lambda x: -mp.log1p(mp.exp(-x)) if x > 0 else x - mp.log1p(mp.exp(x)),
    "arcsinh": mp.asinh,
    "arctan": mp.atan,
    "bessel_i0e": lambda x: mp.exp(-abs(x)) * mp.besseli(0, x),
    "bessel_i1e": lambda x: mp.exp(-abs(x)) * mp.besseli(1, x),
    "relu": lambda x: max(x, mp.mpf(0)),
    "elu": _elu,
    "selu": lambda x: (
        mp.mpf("1.0507009873554804934193349852946")
        * (x if x > 0 else mp.mpf("1.6732632423543772848170429916717") * mp.expm1(x))
    ),
    "swish": lambda x: x / (1 + mp.exp(-x)),
    "softplus": lambda x: mp.log1p(mp.exp(x)) if x < 0 else x + mp.log1p(mp.exp(-x)),
    "softsign": lambda x: x / (1 + abs(x)),
    "hard_sigmoid": lambda x: min(ONE, max(mp.mpf(0), x / 5 + ONE / 2)),
}
BINARY: dict[str, Callable[[mp.mpf, mp.mpf], mp.mpf]] = {
    "add": lambda a, b: a + b,
    "sub": lambda a, b: a - b,
    "mul": lambda a, b: a * b,
    "div": lambda a, b: a / b,
    "pow": lambda a, b: a**b,
    "max": max,
    "min": min,
}


def evaluate(graph: Graph, x: mp.mpf) -> mp.mpf:
    """Evaluate with mpmath's own functions, parameters at 1."""
    stack: list[mp.mpf] = []
    for node in graph.nodes:
        if node.arity == 0:
            stack.append(x)
        elif node.arity == 1:
            stack[-1] = UNARY[node.operator](stack[-1])
        else:
            right = stack.pop()
            stack[-1] = BINARY[node.operator](stack[-1], right)
    return stack[0]


def reference(graph: Graph) -> tuple[float, float]:
    """Return E[f] and E[f^2] by tanh-sinh quadrature between the break points."""
    edges = sorted({-14.0, -6.0, -2.0, 0.0, 2.0, 6.0, 14.0, *activations.breakpoints(graph)})
    scale = 1 / mp.sqrt(2 * mp.pi)
    values: dict[mp.mpf, mp.mpf] = {}

    def at(x: mp.mpf) -> mp.mpf:
        if x not in values:
            values[x] = evaluate(graph, x)
        return values[x]

    def moment(power: int) -> float:
        return float(mp.quad(lambda x: at(x) ** power * mp.exp(-x * x / 2) * scale, edges, maxdegree=7))

    return moment(1), moment(2)


def timed(work: Callable[[], object]) -> float:
    """Return the CPU seconds of ``work``."""
    started = time.process_time()
    work()
    return time.process_time() - started


def sampling(functions: int, seed: int) -> None:
    """Print speeds of bare draws and of text."""
    plain: list[Graph] = []
    seconds = timed(lambda: plain.extend(activations.sample(np.random.default_rng(seed), functions)))
    print(f"drawn per second, good or not                        {functions / seconds:>10,.0f}")
    texts = [str(graph) for graph in plain]
    seconds = timed(lambda: [str(activations.parse(text)) for text in texts])
    print(f"parsed and printed per second                        {functions / seconds:>10,.0f}")


def kept(counts: list[int], seed: int) -> list[Graph]:
    """Print how many distinct valid functions come per second, over the first so many; return the first of them."""
    found: list[Graph] = []
    source = activations.sample(np.random.default_rng(seed), max(counts), unique=True, valid=True)
    seconds = 0.0
    for count in sorted(counts):
        missing = islice(source, count - len(found))
        seconds += timed(lambda more=missing: found.extend(more))
        print(f"distinct, valid and kept per second, of the first {count:>6,} {count / seconds:>6,.0f}")
    return found[: min(counts)]


def moments(graphs: list[Graph]) -> None:
    """Print how long integrals take, the best of three of each, which is what the function itself costs."""
    milliseconds = np.array(
        [
            min(1e3 * timed(lambda g=graph: activations.gaussian_moments(g)) for _ in range(3))
            for graph in graphs
        ]
    )
    low, high, most = np.median(milliseconds), np.quantile(milliseconds, 0.95), milliseconds.max()
    figures = f"{milliseconds.mean():.2f} {low:.2f} {high:.2f} {most:.2f}"
    print(f"Gaussian moments, ms: mean, median, 95%, largest     {figures}")
    slow = np.argsort(-milliseconds)[:3]
    print("slowest:", "; ".join(f"{graphs[i]} {milliseconds[i]:.2f}" for i in slow))


def accuracy(wanted: int, seed: int) -> None:
    """Print errors against mpmath, relative to the root of E[f^2] and to E[f^2], for functions with kinks or poles."""
    errors: list[tuple[float, float, str]] = []
    refused = 0
    rng = np.random.default_rng(seed)
    with mp.workdps(DIGITS):
        while len(errors) < wanted:
            graph = activations.sample(rng)
            if not activations.breakpoints(graph):
                continue
            try:
                found = activations.gaussian_moments(graph)
            except autoinit.NotIntegrableError:
                refused += 1
                continue
            if found.second_moment == 0:
                continue
            mean, second = reference(graph)
            errors.append(
                (abs(found.mean - mean) / second**0.5, abs(found.second_moment - second) / second, str(graph))
            )
    print(f"integrated; reported as not integrable               {len(errors):>10} {refused}")
    for name, k in (("mean", 0), ("second moment", 1)):
        worst = max(errors, key=lambda row: row[k])
        print(f"relative error of the {name:<14} largest        {worst[k]:>10.1e}   {worst[2]}")
    over = [row[2] for row in errors if max(row[:2]) > 1e-8]
    print(f"functions with a relative error above 1e-8           {len(over):>10} {over}")
    if over:
        sys.exit("missed: an integral is off by more than 1e-8")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--functions", type=int, default=5000)
    parser.add_argument("--kept", type=int, nargs="+", default=[4000, 50_000], help="functions to be kept")
    parser.add_argument("--against-mpmath", type=int, default=200)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    sampling(options.functions, options.seed)
    moments(kept(options.kept, options.seed))
    accuracy(options.against_mpmath, options.seed + 1)


if __name__ == "__main__":
    main()
