"""The paper's Figure 3, measured: signal variance through preactivation ResNets, with and without normalization.

For each depth, strategy and setting, weights are drawn several times, and a batch of standard Gaussian images goes
through the network as in training (batch normalization uses the batch). The variance over all entries of the signal
after every residual addition is taken, in float32 as the network computes it. Printed are the geometric means over
draws, with the least and the largest draw in brackets, after the first and the last addition, of the largest signal and
of the logits; ``overflow`` says in how many draws a signal was not finite.

    python benchmarks/paper/resnet_signals.py --depths 56 164 --draws 5 --out docs/results/figure3
    python benchmarks/paper/resnet_signals.py --depths 812 --draws 3 --out docs/results/figure3

Depths that OUT.csv holds already and that are not measured anew are kept, so the second command completes the first.
"""

from __future__ import annotations

import argparse
import csv
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from signal_study import LOGITS, build, drawn, plot_band, variance, words

from gondwana import tasks

STRATEGIES = ("he_normal", "autoinit-paper")
IMAGES = 8
HEADER = ("depth", "batch_normalization", "strategy", "draw", "block", "variance")


@dataclass(frozen=True)
class Case:
    """One network and strategy with its measured variances."""

    depth: int
    normalization: bool
    strategy: str
    variances: np.ndarray
    """After each residual addition and, last, of the logits; infinite where it overflowed; shape (draws, k + 1)."""

    @property
    def overflows(self) -> int:
        """Number of draws in which a signal was not finite."""
        return int((~np.isfinite(self.variances)).any(axis=1).sum())


def measure(depth: int, normalization: bool, strategy: str, draws: int, seed: int) -> Case:
    """Build a network, initialize it ``draws`` times and measure each."""
    info = tasks.get("cifar10").info
    model = build("resnet", info, seed, depth=depth, normalization=normalization)
    found = [
        _variances(each, images)
        for each, images in drawn(model, strategy, info, draws=draws, images=IMAGES, seed=seed)
    ]
    return Case(depth, normalization, strategy, np.array(found))


def _variances(model: keras.Model, images: np.ndarray) -> list[float]:
    """Return the variance after each addition and, last, of the network's logits."""
    additions = [layer.output for layer in model.layers if isinstance(layer, keras.layers.Add)]
    head = model.layers[-1]
    probe = keras.Model(model.inputs[0], [*additions, head.input])
    *signals, pooled = probe(images, training=True)
    with np.errstate(all="ignore"):  # overflow is what is measured
        logits = np.asarray(pooled, dtype=np.float64) @ np.asarray(head.kernel, dtype=np.float64)
    return [variance(signal) for signal in [*signals, logits]]


def picture(cases: list[Case]) -> Figure:
    """Return variance against residual block: geometric mean and spread over draws, one panel per depth and setting."""
    depths = sorted({case.depth for case in cases})
    figure = Figure(figsize=(9, 2.6 * len(depths)), layout="constrained")
    panels = figure.subplots(len(depths), 2, squeeze=False)
    for row, depth in enumerate(depths):
        for column, normalization in enumerate((True, False)):
            panel = panels[row][column]
            for case in cases:
                if (case.depth, case.normalization) == (depth, normalization):
                    _draw(panel, case)
            panel.set(yscale="log", xlabel="residual block", ylabel="variance")
            setting = "with" if normalization else "without"
            panel.set_title(f"ResNet-{depth} {setting} batch normalization", fontsize=9)
            panel.legend(fontsize=8)
    return figure


def _draw(panel: Any, case: Case) -> None:
    signals = case.variances[:, :-1]
    label = f"{case.strategy}, {len(signals)} draws" + (" (overflows)" if case.overflows else "")
    plot_band(panel, np.arange(1, signals.shape[1] + 1), signals, label)


def row(case: Case) -> str:
    """Return the line of the table."""
    signals = case.variances[:, :-1]
    columns = (signals[:, 0], signals[:, -1], signals.max(axis=1), case.variances[:, -1])
    draws = f"{case.overflows} of {len(signals)}"
    setting = "yes" if case.normalization else "no"
    return f"| {case.depth} | {setting} | {case.strategy} | {' | '.join(map(words, columns))} | {draws} |"


def read(path: Path) -> list[Case]:
    """Return the cases of a table that :func:`write` made; none if there is no such file or it is of another form."""
    if not path.exists():
        return []
    frame = pd.read_csv(path)
    if tuple(frame.columns) != HEADER:
        return []
    cases = []
    for (depth, normalization, strategy), rows in frame.groupby(list(HEADER[:3]), sort=False):
        draws = [draw["variance"].to_numpy() for _, draw in rows.groupby("draw", sort=False)]
        cases.append(Case(int(depth), bool(normalization), str(strategy), np.array(draws)))
    return cases


def write(cases: list[Case], path: Path) -> None:
    """Write every variance as a row; the logits come last in each draw."""
    with path.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream)
        writer.writerow(HEADER)
        for case in cases:
            for draw, variances in enumerate(case.variances):
                blocks = [*range(1, len(variances)), LOGITS]
                for block, variance in zip(blocks, variances, strict=True):
                    writer.writerow(
                        [case.depth, case.normalization, case.strategy, draw, block, f"{variance:.6g}"]
                    )


def main() -> None:
    """Measure, print the table, write table and figure."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--depths", type=int, nargs="+", default=[56, 164, 812])
    parser.add_argument("--draws", type=int, default=5)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, help="write OUT.csv and OUT.svg")
    options = parser.parse_args()
    table = options.out.with_suffix(".csv") if options.out else None
    cases = [case for case in read(table) if case.depth not in options.depths] if table else []
    started = time.perf_counter()
    for depth in options.depths:
        for normalization in (True, False):
            for strategy in STRATEGIES:
                cases.append(measure(depth, normalization, strategy, options.draws, options.seed))
                print(f"{time.perf_counter() - started:7.1f} s  {row(cases[-1])}", flush=True)
    cases.sort(key=lambda case: (case.depth, not case.normalization))
    print("\n| depth | batch norm | strategy | first | last | largest | logits | overflow |")
    print("| ---: | --- | --- | ---: | ---: | ---: | ---: | ---: |")
    print("\n".join(map(row, cases)))
    if table is not None:
        table.parent.mkdir(parents=True, exist_ok=True)
        write(cases, table)
        picture(cases).savefig(options.out.with_suffix(".svg"), metadata={"Date": None})


if __name__ == "__main__":
    main()
