"""The paper's Figure 2, measured: signal variance after every layer of All-CNN-C, by activation and by dropout rate.

For each activation function (dropout 0.5) and each dropout rate (ReLU), and for Glorot uniform, which is the paper's
default for this network, and AutoInit, weights are drawn several times, and a batch of standard Gaussian images goes
through the network as in training (dropout drops). The variance over all entries of the signal after every layer is
taken, in float32 as the network computes it. Printed are geometric means over draws, with the least and the largest
draw in brackets.

    python benchmarks/paper/all_cnn_signals.py --draws 10 --out docs/results/figure2
"""

from __future__ import annotations

import argparse
import csv
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import keras
import numpy as np
from matplotlib.figure import Figure
from signal_study import band, build, drawn, plot_band, variance, words

from gondwana import tasks

STRATEGIES = ("glorot_uniform", "autoinit-paper")
ACTIVATIONS = (
    "relu(x)",
    "elu(x)",
    "selu(x)",
    "sigmoid(x)",
    "softplus(x)",
    "softsign(x)",
    "swish(x)",
    "tanh(x)",
)
RATES = (0.0, 0.1, 0.3, 0.5, 0.7)
DROPOUT = 0.5
IMAGES = 32
HEADER = ("varied", "setting", "strategy", "draw", "layer", "weighted", "variance")
LOW, HIGH = 0.5, 2.0


@dataclass(frozen=True)
class Case:
    """One network and strategy with its measured variances.

    Attributes:
        varied: ``activation`` or ``dropout``.
        setting: the function, or the rate.
        strategy: of initialization.
        layers: their names, from the input to the logits.
        weighted: which of them have weights.
        variances: of the signal after each layer; infinite where it overflowed; shape (draws, layers).
    """

    varied: str
    setting: str
    strategy: str
    layers: list[str]
    weighted: np.ndarray
    variances: np.ndarray


def settings() -> Iterator[tuple[str, str, str, float]]:
    """Yield what is varied, its value as text, the activation function and the dropout rate."""
    for text in ACTIVATIONS:
        yield "activation", text, text, DROPOUT
    for rate in RATES:
        yield "dropout", f"{rate:g}", "relu(x)", rate


def measure(varied: str, setting: str, text: str, rate: float, strategy: str, draws: int, seed: int) -> Case:
    """Build a network, initialize it ``draws`` times and measure each."""
    info = tasks.get("cifar10").info
    model = build("all_cnn_c", info, seed, activation=text, dropout=rate)
    layers = [layer for layer in model.layers if not isinstance(layer, keras.layers.InputLayer)]
    layers = layers[:-1]  # the softmax of the logits
    found = []
    for each, images in drawn(model, strategy, info, draws=draws, images=IMAGES, seed=seed):
        probe = keras.Model(each.inputs[0], [each.get_layer(layer.name).output for layer in layers])
        found.append([variance(signal) for signal in probe(images, training=True)])
    weighted = np.array([isinstance(layer, keras.layers.Conv2D) for layer in layers])
    return Case(varied, setting, strategy, [layer.name for layer in layers], weighted, np.array(found))


def row(case: Case) -> str:
    """Return the line of the table: first, last, least and largest layer with weights, and how many are far from 1."""
    weighted = case.variances[:, case.weighted]
    mean = band(weighted)[0]
    outside = int(((mean < LOW) | (mean > HIGH)).sum())
    columns = (weighted[:, 0], weighted[:, -1], weighted.min(axis=1), weighted.max(axis=1))
    cells = " | ".join(map(words, columns))
    logits = words(case.variances[:, -1])
    return f"| {case.setting} | {case.strategy} | {cells} | {outside} of {mean.size} | {logits} |"


def picture(cases: list[Case]) -> Figure:
    """Return variance against layer: a row per varied setting, a column per strategy, layers with weights marked."""
    figure = Figure(figsize=(11, 7.5), layout="constrained")
    panels = figure.subplots(2, 2, sharey="row")
    for panel_row, varied in zip(panels, ("activation", "dropout"), strict=True):
        for panel, strategy in zip(panel_row, STRATEGIES, strict=True):
            shown = [case for case in cases if (case.varied, case.strategy) == (varied, strategy)]
            longest = max(shown, key=lambda case: len(case.layers))
            for case in shown:
                places = np.array([longest.layers.index(name) for name in case.layers])
                plot_band(panel, places, case.variances, case.setting)
            for place in np.flatnonzero(longest.weighted):
                panel.axvline(place, color="red", linewidth=0.6, alpha=0.5)
            panel.axhline(1.0, color="black", linewidth=0.6)
            panel.set(yscale="log", ylabel="variance", title=f"{strategy}, {varied}")
            panel.set_xticks(range(len(longest.layers)), longest.layers, rotation=90, fontsize=6)
            panel.legend(fontsize=7, ncols=2)
    return figure


def write(cases: list[Case], path: Path) -> None:
    """Write every variance as a row."""
    with path.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream)
        writer.writerow(HEADER)
        for case in cases:
            for draw, variances in enumerate(case.variances):
                for name, weighted, value in zip(case.layers, case.weighted, variances, strict=True):
                    writer.writerow(
                        [case.varied, case.setting, case.strategy, draw, name, bool(weighted), f"{value:.6g}"]
                    )


def main() -> None:
    """Measure, print the tables, write table and figure."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--draws", type=int, default=10)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, help="write OUT.csv and OUT.svg")
    options = parser.parse_args()
    started = time.perf_counter()
    cases = []
    for varied, setting, text, rate in settings():
        for strategy in STRATEGIES:
            cases.append(measure(varied, setting, text, rate, strategy, options.draws, options.seed))
            print(f"{time.perf_counter() - started:7.1f} s  {row(cases[-1])}", flush=True)
        keras.utils.clear_session()
    for varied in ("activation", "dropout"):
        print(
            f"\n| {varied} | strategy | first | last | least | largest | outside {LOW:g} to {HIGH:g} | logits |"
        )
        print("| --- | --- | ---: | ---: | ---: | ---: | ---: | ---: |")
        print("\n".join(row(case) for case in cases if case.varied == varied))
    if options.out:
        options.out.parent.mkdir(parents=True, exist_ok=True)
        write(cases, options.out.with_suffix(".csv"))
        picture(cases).savefig(options.out.with_suffix(".svg"), metadata={"Date": None})


if __name__ == "__main__":
    main()
