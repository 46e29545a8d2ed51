"""The page of docs/results of a finished run: table, figure and verdict, from its run folder.

Writes OUT.csv (the values that were compared), OUT.svg and OUT.md. What stands in OUT.md below the line
``<!-- by hand -->`` is kept when the page is written anew.

    python benchmarks/paper/results.py RUN --out docs/results/section6-small
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import matplotlib as mpl
import numpy as np
from matplotlib.figure import Figure

from gondwana.nas.candidate import State
from gondwana.nas.report.data.compare_run import RunComparison, chance_of, compare_run
from gondwana.nas.report.data.evolutions import Evolution, Groups, evolutions_of
from gondwana.nas.report.data.run_data import RunData, commit_of
from gondwana.nas.report.figures.edf_picture import edf_svg
from gondwana.nas.report.figures.figures import COLORS
from gondwana.nas.report.page.wording import duration
from gondwana.nas.report.report import load_run

BY_HAND = "<!-- by hand -->"
PACKAGES = ("tensorflow", "keras", "numpy", "scipy", "statsmodels", "ray")
PAGE = """# {stem}: measured

Written by `python benchmarks/paper/results.py` from the run that this command makes:

```bash
gondwana compare configs/paper/{name}.yaml --data-dir DATA{options}
```

{trainings} trainings, {failures}; {work} of work, {wall} from begin to end. The compared values are in
[{stem}.csv]({stem}.csv).

{table}

![Figure]({stem}.svg)

## Verdict

{verdicts}

## The whole output

```text
{note}{output}
```

{environment}.

{by_hand}
"""


def sweep_table(run: RunData, result: RunComparison) -> list[str]:
    """Return the rows of a table of points and strategies."""
    names = list(result.values)
    texts = result.texts[names[0]]
    rows = ["| point | " + " | ".join(names) + " |", "| --- |" + " ---: |" * len(names)]
    for index, text in enumerate(texts):
        cells = [_cell(column[index] if index < len(column) else None) for column in result.values.values()]
        rows.append(f"| {text} | {' | '.join(cells)} |")
    return rows


def _cell(value: float | None) -> str:
    if value is None:
        return "no result"
    return "untrained" if np.isnan(value) else f"{value:.3f}"


def sweep_figure(run: RunData, result: RunComparison) -> Figure:
    """Draw fitness over points, one line per strategy; the points of different axes are not joined."""
    axes_keys = [str(axis["key"]) for axis in run.config["search"]["axes"]]
    names = list(result.values)
    texts = list(result.texts[names[0]])
    keys = [text.partition("=")[0] for text in texts]
    figure = Figure(figsize=(9, 4.2), layout="constrained")
    axes = figure.add_subplot()
    chance = chance_of(run)
    for index, name in enumerate(names):
        values = np.array([np.nan if v is None else v for v in result.values[name]], dtype=float)
        shown = np.where(np.isnan(values), chance if chance is not None else np.nan, values)
        color = COLORS[index % len(COLORS)]
        for position, key in enumerate(dict.fromkeys(keys) if len(axes_keys) > 1 else [keys[0]]):
            chosen = [i for i, found in enumerate(keys) if found == key]
            axes.plot(chosen, shown[chosen], "o-", color=color, label=name if position == 0 else None)
    if chance is not None:
        axes.axhline(chance, linestyle=":", linewidth=1, color="gray", label="chance")
    axes.set_xticks(range(len(texts)), [_short(text) for text in texts], rotation=60, ha="right", fontsize=7)
    axes.set(ylabel=f"validation {run.metric}")
    axes.legend(fontsize=8)
    return figure


def _short(text: str) -> str:
    return ", ".join(part.rpartition(".")[2] if "=" in part else part for part in text.split(", "))


def evolution_table(groups: Groups) -> list[str]:
    """Return the rows of a table of evolutions."""
    rows = [
        "| strategy | evolution | networks | best | mean of the last generation |",
        "| --- | --- | ---: | ---: | ---: |",
    ]
    for name, found in groups.items():
        for evolution in found:
            means = evolution.means()[1]
            rows.append(
                f"| {name} | {evolution.name} | {len(evolution.trials)} | {evolution.best():.4f} | {means[-1]:.4f} |"
            )
    return rows


def evolution_figure(groups: Groups, metric: str) -> Figure:
    """Draw best and mean fitness over generations: mean over the evolutions of a group, band from least to largest."""
    figure = Figure(figsize=(9, 3.6), layout="constrained")
    panels = figure.subplots(1, 2)
    courses: Sequence[tuple[str, Any]] = (
        ("best so far", Evolution.best_so_far),
        ("mean of the generation", Evolution.means),
    )
    for axes, (title, course) in zip(panels, courses, strict=True):
        for index, (name, found) in enumerate(groups.items()):
            values = np.array([course(evolution)[1] for evolution in found])
            generations = np.arange(values.shape[1])
            color = COLORS[index % len(COLORS)]
            axes.plot(generations, values.mean(axis=0), "o-", color=color, label=f"{name} (n = {len(found)})")
            axes.fill_between(generations, values.min(axis=0), values.max(axis=0), color=color, alpha=0.2)
        axes.set(xlabel="generation", ylabel=f"validation {metric}", title=title)
        axes.legend(fontsize=8)
    return figure


def write(run: RunData, out: Path, sets: Sequence[str] = ()) -> None:
    """Write the three files."""
    result = compare_run(run)
    if result.comparison is None:
        raise SystemExit(f"{run.path}: fewer than two groups have results")
    picture = out.with_suffix(".svg")
    if run.kind == "compare":
        table: list[str] = []
        picture.write_bytes(edf_svg(result.comparison, result.metric))
    else:
        groups = evolutions_of(run)
        side_by_side = run.kind == "side_by_side"
        table = evolution_table(groups) if side_by_side else sweep_table(run, result)
        figure = evolution_figure(groups, run.metric) if side_by_side else sweep_figure(run, result)
        with mpl.rc_context({"svg.hashsalt": "gondwana", "svg.fonttype": "none"}):
            figure.savefig(picture, metadata={"Date": None})
    result.to_frame().to_csv(out.with_suffix(".csv"), index=False)
    out.with_suffix(".md").write_text(page(run, result, table, out, sets), encoding="utf-8")


def page(run: RunData, result: RunComparison, table: Sequence[str], out: Path, sets: Sequence[str]) -> str:
    """Return OUT.md; ``sets`` are the overrides of the config that the run was made with."""
    found = result.comparison
    if found is None:
        raise ValueError("there is no comparison")
    states = run.states()
    failed = ", ".join(f"{states[state]} {state.value.replace('_', ' ')}" for state in State if states[state])
    worked = sum(sum(values) for phase, values in run.seconds().items() if phase != "queued")
    wall = "unfinished" if run.finished is None else duration(run.finished - run.created)
    old = out.with_suffix(".md").read_text(encoding="utf-8") if out.with_suffix(".md").exists() else ""
    facts = [f"Commit {commit_of(run) or 'unknown'}", f"Python {run.environment.get('python', 'unknown')}"]
    packages = run.environment.get("packages", {})
    if isinstance(packages, dict):
        facts += [f"{name} {packages[name]}" for name in PACKAGES if name in packages]
    return PAGE.format(
        name=run.name,
        stem=out.name,
        options="".join(f" \\\n    --set {one}" for one in sets),
        trainings=len(run.outcomes),
        failures=failed,
        work=duration(worked),
        wall=wall,
        table="\n".join(table),
        verdicts="\n".join(f"- {sentence}" for sentence in found.verdicts()),
        note=f"{result.note}\n\n" if result.note else "",
        output=repr(found),
        environment=", ".join(facts),
        by_hand=BY_HAND + old.partition(BY_HAND)[2].rstrip(),
    )


def main() -> None:
    """Write the page of a run."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("run", type=Path)
    parser.add_argument("--out", type=Path, required=True, help="beginning of the files' names")
    parser.add_argument("--set", action="append", default=[], help="override that the run was made with")
    options = parser.parse_args()
    write(load_run(options.run), options.out, options.set)


if __name__ == "__main__":
    main()
