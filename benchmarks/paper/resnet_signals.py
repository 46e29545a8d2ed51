"""The paper's Figure 3, measured: signal variance through preactivation ResNets, with and without normalization.

For each depth, strategy and setting, weights are drawn ``--draws`` times and a batch of standard Gaussian images goes
through the network as in training (batch normalization uses the batch). The variance over all entries of the signal
after every residual addition is taken, in float32 as the network computes it. The table gives it after the first and
the last addition, its largest value, and the logits'; ``overflow`` says that a signal was not finite.

    python benchmarks/paper/resnet_signals.py --depths 56 164 812 --out docs/results/figure3
"""

from __future__ import annotations

import argparse
import csv
import math
import time
from dataclasses import dataclass
from pathlib import Path

import keras
import numpy as np
from matplotlib.figure import Figure

import autoinit
import tasks
from activations import GraphActivation
from tasks import architectures

STRATEGIES = ("he_normal", "autoinit")
IMAGES = 8


@dataclass(frozen=True)
class Case:
    """One network and strategy with its measured variances, averaged over draws (geometric mean)."""

    depth: int
    normalization: bool
    strategy: str
    variances: np.ndarray
    """After each residual addition, in order; infinite where the signal overflowed."""
    logits: float
    seconds: float

    @property
    def overflow(self) -> bool:
        """True if a signal was not finite."""
        return not np.isfinite([*self.variances, self.logits]).all()


def measure(depth: int, normalization: bool, strategy: str, draws: int, seed: int) -> Case:
    """Build, initialize and measure one network."""
    started = time.perf_counter()
    info = tasks.get("cifar10").info
    model = architectures.build(
        "resnet",
        info,
        activation=lambda name: GraphActivation("relu(x)", name=name),
        seed=seed,
        depth=depth,
        normalization=normalization,
    )
    images = np.random.default_rng(seed).standard_normal((IMAGES, *info.input_shape)).astype("float32")
    logarithms = []
    for draw in range(draws):
        model = autoinit.initialize(
            model, strategy, seed=seed + draw, input_mean=info.input_mean, input_variance=info.input_variance
        )
        logarithms.append(_log_variances(model, images))
    means = np.exp(np.mean(logarithms, axis=0))
    return Case(depth, normalization, strategy, means[:-1], float(means[-1]), time.perf_counter() - started)


def _log_variances(model: keras.Model, images: np.ndarray) -> np.ndarray:
    """Return ln of the variance after each addition and, last, of the network's logits."""
    additions = [layer.output for layer in model.layers if isinstance(layer, keras.layers.Add)]
    head = model.layers[-1]
    probe = keras.Model(model.inputs[0], [*additions, head.input])
    *signals, pooled = probe(images, training=True)
    with np.errstate(all="ignore"):  # overflow is what is measured
        values = [np.var(np.asarray(signal, dtype=np.float64)) for signal in signals]
        logits = np.asarray(pooled, dtype=np.float64) @ np.asarray(head.kernel, dtype=np.float64)
        finite = [value if np.isfinite(value) else math.inf for value in [*values, np.var(logits)]]
        return np.log(finite)


def picture(cases: list[Case]) -> Figure:
    """Return variance against residual block, one panel for each depth and setting."""
    depths = sorted({case.depth for case in cases})
    figure = Figure(figsize=(9, 2.6 * len(depths)), layout="constrained")
    panels = figure.subplots(len(depths), 2, squeeze=False)
    for row, depth in enumerate(depths):
        for column, normalization in enumerate((True, False)):
            panel = panels[row][column]
            for case in cases:
                if (case.depth, case.normalization) == (depth, normalization):
                    blocks = np.arange(1, case.variances.size + 1)
                    shown = np.where(np.isfinite(case.variances), case.variances, np.nan)
                    panel.plot(blocks, shown, label=case.strategy + (" (overflows)" if case.overflow else ""))
            panel.set(yscale="log", xlabel="residual block", ylabel="variance")
            panel.set_title(
                f"ResNet-{depth} {'with' if normalization else 'without'} batch normalization", fontsize=9
            )
            panel.legend(fontsize=8)
    return figure


def main() -> None:
    """Measure, print the table, write table and figure."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--depths", type=int, nargs="+", default=[56, 164, 812])
    parser.add_argument("--draws", type=int, default=1)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, help="write OUT.csv and OUT.svg")
    options = parser.parse_args()
    cases = []
    columns = " ".join(
        f"{name:>10}" for name in ("batch norm", "strategy", "first", "last", "largest", "logits")
    )
    print(f"{'depth':>6} {columns}  seconds")
    for depth in options.depths:
        for normalization in (True, False):
            for strategy in STRATEGIES:
                case = measure(depth, normalization, strategy, options.draws, options.seed)
                cases.append(case)
                figures = [case.variances[0], case.variances[-1], case.variances.max(), case.logits]
                words = " ".join(f"{value:>10.3g}" for value in figures)
                print(
                    f"{depth:>6} {'yes' if normalization else 'no':>10} {strategy:>10} {words}  {case.seconds:.1f}"
                    + ("  overflow" if case.overflow else ""),
                    flush=True,
                )
    if options.out is not None:
        options.out.parent.mkdir(parents=True, exist_ok=True)
        with options.out.with_suffix(".csv").open("w", newline="", encoding="utf-8") as stream:
            writer = csv.writer(stream)
            writer.writerow(["depth", "batch_normalization", "strategy", "block", "variance"])
            for case in cases:
                for block, variance in enumerate(case.variances, start=1):
                    writer.writerow([case.depth, case.normalization, case.strategy, block, f"{variance:.6g}"])
        picture(cases).savefig(options.out.with_suffix(".svg"), metadata={"Date": None})


if __name__ == "__main__":
    main()
