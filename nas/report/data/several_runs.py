"""Several runs beside each other: what tells them apart, and the comparison of what they came to."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from typing import Any

from gondwana.nas.report.data.compare_run import (
    RunComparison,
    chance_of,
    compare_evolutions,
    compare_run,
    have_common_subjects,
    mean_of_subject,
)
from gondwana.nas.report.data.evolutions import Groups, evolutions_of
from gondwana.nas.report.data.run_data import RunData
from gondwana.nas.statistics import Comparison, StatisticsError, compare
from gondwana.nas.statistics.multiplicity import Correction

INCIDENTAL = frozenset({"seed", "name", "engine", "finalists", "store"})
"""Keys of a config that do not change what is tried."""
POINTS = frozenset({"compare", "sweep"})
"""Kinds whose candidates are planned, so that the same one can stand in several runs."""
MAXIMUM_KEYS = 2
MAXIMUM_LENGTH = 40


def labels(runs: Sequence[RunData]) -> list[str]:
    """Return what tells each run's config from the others', equal for runs that differ in nothing but their seeds.

    The values of one or two keys where these are all that differ; otherwise, and for equal configs with equal seeds,
    the names of the folders.
    """
    configs = [dict(_flat({k: v for k, v in run.config.items() if k not in INCIDENTAL})) for run in runs]
    keys = sorted({key for config in configs for key in config})
    differing = [key for key in keys if len({config.get(key) for config in configs}) > 1]
    texts = [_text(config, differing) for config in configs]
    repeated = Counter((text, run.config.get("seed")) for text, run in zip(texts, runs, strict=True))
    if not differing:
        evolved = all(run.kind not in (*POINTS, "side_by_side") for run in runs)
        if evolved or max(repeated.values()) > 1:
            return _folders(runs)
        return [""] * len(runs)
    if len(differing) > MAXIMUM_KEYS or max(map(len, texts)) > MAXIMUM_LENGTH or max(repeated.values()) > 1:
        return _folders(runs)
    return texts


def _flat(value: Any, prefix: str = "") -> Iterator[tuple[str, str]]:
    if isinstance(value, Mapping):
        for key, inner in value.items():
            yield from _flat(inner, f"{prefix}.{key}" if prefix else str(key))
    else:
        yield prefix, json.dumps(value, sort_keys=True)


def _text(config: Mapping[str, str], keys: Sequence[str]) -> str:
    values = [config.get(key, "none").strip('"') for key in keys]
    if len(keys) == 1:
        return values[0]
    return ", ".join(f"{key.rpartition('.')[2]}={value}" for key, value in zip(keys, values, strict=True))


def _folders(runs: Sequence[RunData]) -> list[str]:
    """Return the name of each folder, with as much of its path as makes them distinct."""
    depth = 1
    while len({run.path.parts[-depth:] for run in runs}) < len(runs) and depth < 20:
        depth += 1
    return ["/".join(run.path.parts[-depth:]) for run in runs]


@dataclass(frozen=True)
class Joined:
    """Several runs with their comparison.

    Attributes:
        runs, labels: in the order given; a label is empty where the runs differ in their seeds alone.
        groups: their evolutions by group; empty for planned runs.
        result: the comparison; None where there is nothing to compare, which ``why`` explains.
        why: empty if there is a comparison.
    """

    runs: tuple[RunData, ...]
    labels: tuple[str, ...]
    groups: Groups
    result: RunComparison | None
    why: str = ""


def join_runs(runs: Sequence[RunData], *, correction: Correction = "holm") -> Joined:
    """Compare several runs; what cannot be compared is said in ``why``.

    Runs whose configs differ in nothing but incidental keys form one group, which has the values of all of them.
    """
    names = tuple(labels(runs))
    tasks = {str(run.config.get("task", {}).get("name", "unknown")) for run in runs}
    planned = {run.kind in POINTS for run in runs}
    groups: Groups = {} if True in planned else _evolutions(runs, names)
    if len(tasks) > 1:
        return Joined(
            tuple(runs), names, groups, None, f"The runs have different tasks: {', '.join(sorted(tasks))}."
        )
    if len(planned) > 1:
        kinds = ", ".join(sorted({run.kind for run in runs}))
        return Joined(
            tuple(runs), names, groups, None, f"Runs of these kinds have nothing in common: {kinds}."
        )
    if groups:
        result = compare_evolutions(
            groups, chance=chance_of(runs[0]), metric=runs[0].metric, correction=correction
        )
    else:
        result = _points(runs, names, correction)
    why = "" if result.comparison is not None else "Fewer than two groups have results."
    return Joined(tuple(runs), names, groups, result if not why else None, why)


def _evolutions(runs: Sequence[RunData], names: Sequence[str]) -> Groups:
    groups: Groups = {}
    for run, name in zip(runs, names, strict=True):
        own = evolutions_of(run)
        for group, found in own.items():
            if run.kind == "side_by_side":
                key = f"{name}: {group}" if name else group
            else:
                key = name
            groups.setdefault(key, []).extend(found)
    return groups


def _points(runs: Sequence[RunData], names: Sequence[str], correction: Correction) -> RunComparison:
    """Compare strategies over all runs.

    The same function or point in several runs is one subject, whose value is the mean over the runs, whatever their
    seeds. Where that leaves one point, the trainings with different seeds are the subjects.
    """
    parts = [compare_run(run, correction=correction) for run in runs]
    one_point = all(part.unit == "seed" for part in parts)
    cells: dict[str, dict[tuple[Any, ...], tuple[str, list[float | None]]]] = {}
    for run, name, part in zip(runs, names, parts, strict=True):
        # All strategies of a paired run have the same subjects, also where an unfinished one has not asked for all yet.
        subjects = max(part.texts.values(), key=len, default=()) if _is_paired(run) else ()
        for strategy, column in part.values.items():
            found = cells.setdefault(f"{name}: {strategy}" if name else strategy, {})
            texts = [*part.texts[strategy], *subjects[len(column) :]]
            for index, (text, value) in enumerate(zip_longest(texts, column)):
                # A position is one subject if the same stands there: functions are drawn by the seed of the run.
                shown = subjects[index] if subjects else text
                key = (run.config.get("seed") if one_point else None, index, shown)
                found.setdefault(key, (text, []))[1].append(value)
    paired = len({frozenset(found) for found in cells.values()}) == 1 and all(map(_is_paired, runs))
    first = next(iter(cells.values()), {})
    rows = {name: [found[key] for key in (first if paired else found)] for name, found in cells.items()}
    chance = chance_of(runs[0])
    all_texts = {name: [text for text, _ in found] for name, found in rows.items()}
    columns = {name: [mean_of_subject(values, chance) for _, values in found] for name, found in rows.items()}
    baseline = [value for part in parts for value in part.baseline_fitness] if not any(names) else []
    comparison = _compared(runs, columns, baseline, chance, paired, correction)
    return RunComparison(comparison, tuple(baseline), all_texts, columns, parts[0].unit, parts[0].metric)


def _compared(
    runs: Sequence[RunData],
    columns: Mapping[str, Sequence[float | None]],
    baseline: Sequence[float],
    chance: float | None,
    paired: bool,
    correction: Correction,
) -> Comparison | None:
    known = {name: column for name, column in columns.items() if any(value is not None for value in column)}
    if len(known) < 2 or (paired and not have_common_subjects(known)):
        return None
    return compare(
        known,
        chance=chance,
        margin=max(float(run.config["search"]["margin"]) for run in runs),
        baseline=list(baseline) or None,
        paired=paired,
        correction=correction,
    )


def _is_paired(run: RunData) -> bool:
    return bool(run.config["search"].get("paired", True))


def compare_runs(runs: Sequence[RunData], *, correction: Correction = "holm") -> RunComparison:
    """Return the comparison of several runs.

    Raises:
        StatisticsError: if they cannot be compared; the message says why.
    """
    joined = join_runs(runs, correction=correction)
    if joined.result is None:
        raise StatisticsError(f"{len(runs)} runs cannot be compared: {joined.why}")
    return joined.result
