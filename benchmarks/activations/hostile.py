"""Fuzzed text: nothing is executed, nothing takes long or much memory, every error is one clear line.

    python benchmarks/activations/hostile.py [--strings 5000] [--seed 0]

Execution is watched with an audit hook: no file, process, socket, import or code object may be touched while parsing.
"""

from __future__ import annotations

import argparse
import resource
import sys
import time
from collections import Counter

import numpy as np

from gondwana import activations
from gondwana.activations import GraphError

PIECES = [
    *("__import__('os').system('touch owned')", "eval(", "exec(", "lambda x: ", "open('/etc/passwd')"),
    *("{x.__class__}", "%s", "\x00", "\u202e", "\ud800", "𝕏", "ﬀ", "\n", "\t", "((((", "))))", ",,,", "***"),
    *(
        "a*",
        "x",
        "x(",
        "relu",
        "relu(",
        "max(",
        "sum_n(",
        "add(x,",
        ")",
        "1e999",
        "-1",
        "0x10",
        "'",
        '"',
        "\\",
    ),
    *("import os", ";", "#", "`id`", "$(id)", "<script>", "../../", "None", "nan", "inf", "b*b*"),
    *("a" * 300, "relu(" * 200, "x)" * 200, "x," * 2000),
]
WATCHED = (
    "open",
    "exec",
    "compile",
    "import",
    "os.",
    "subprocess.",
    "socket.",
    "ctypes.",
    "pickle.",
    "marshal.",
)


def strings(rng: np.random.Generator, count: int) -> list[str]:
    """Return ``count`` strings: joined pieces, damaged functions, raw noise, very deep and very long ones."""
    found = []
    for number in range(count):
        match number % 4:
            case 0:
                found.append("".join(rng.choice(PIECES, size=rng.integers(1, 9)).tolist()))
            case 1:
                text = list(str(activations.sample(rng)))
                for _ in range(rng.integers(1, 4)):
                    text[int(rng.integers(len(text)))] = str(rng.choice(PIECES))
                found.append("".join(text))
            case 2:
                found.append("".join(chr(c) for c in rng.integers(0, 0x2FFF, size=rng.integers(0, 200))))
            case _:
                depth = int(rng.integers(50, 20_000))
                found.append(
                    str(rng.choice(PIECES)) + "tanh(" * depth + "x" + ")" * int(rng.integers(depth + 1))
                )
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--strings", type=int, default=5000)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    texts = strings(np.random.default_rng(options.seed), options.strings)
    activations.parse("relu(x)")
    events: list[str] = []
    watching = False

    def watch(event: str, arguments: tuple[object, ...]) -> None:
        if watching and event.startswith(WATCHED):
            events.append(event)

    sys.addaudithook(watch)
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    slowest, longest, kinds = 0.0, 0, Counter[str]()
    for text in texts:
        started = time.perf_counter()
        watching = True
        try:
            graph = activations.parse(text)
            kinds["a function after all"] += 1
            outcome = ""
        except GraphError as error:
            kinds["GraphError"] += 1
            outcome = str(error)
        finally:
            watching = False
        slowest = max(slowest, time.perf_counter() - started)
        longest = max(longest, len(outcome))
        if outcome:
            assert outcome.isprintable(), repr(outcome)
        else:
            assert activations.parse(str(graph)) == graph
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - memory) / 1024
    print(f"strings                          {len(texts):>8,}   {dict(kinds)}")
    print(f"audit events while parsing       {len(events):>8,}   {sorted(set(events))}")
    print(f"slowest, milliseconds            {1e3 * slowest:>8.1f}")
    print(f"peak memory, MB more than before {grown:>8.1f}")
    print(f"longest message, characters      {longest:>8,}")
    if events or slowest > 1 or grown > 200:
        sys.exit("missed: nothing may be executed, take longer than 1 s or more than 200 MB")


if __name__ == "__main__":
    main()
