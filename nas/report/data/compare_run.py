"""The comparison that a run was made for, such as one of ``kind: compare``, and comparisons of tables from anywhere."""

from __future__ import annotations

import csv
import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from gondwana.nas.candidate import State
from gondwana.nas.report.data.evolutions import Groups, evolutions_of, measured
from gondwana.nas.report.data.metric import UNKNOWN
from gondwana.nas.report.data.run_data import RunData, Trial
from gondwana.nas.statistics import Comparison, StatisticsError, compare
from gondwana.nas.statistics.multiplicity import Correction
from gondwana.nas.statistics.runs_needed import runs_needed

KINDS = ("compare", "sweep", "side_by_side")
"""Kinds of search whose outcomes fall into groups by strategy."""
INFRASTRUCTURE = frozenset({State.OUT_OF_MEMORY, State.TIMED_OUT, State.CRASHED})
"""States that say nothing about what was tried."""

Cells = dict[str, dict[int, list[Trial]]]
"""Strategy -> number of the subject -> its trainings."""


@dataclass(frozen=True)
class RunComparison:
    """A comparison, with the values and names that it was made from.

    Attributes:
        comparison: the statistics; None while fewer than two groups have a result.
        baseline_fitness: fitness of every training of the baseline function.
        texts: text of every function by strategy, in the order of the functions.
        values: fitness of every function by strategy, None for no result; mean over replicates.
        unit: what one value stands for: "function", "point", "seed", "evolution" or "network".
        metric: what the values are.
        note: what the reader must know before the verdicts; empty if nothing.
    """

    comparison: Comparison | None
    baseline_fitness: tuple[float, ...]
    texts: Mapping[str, Sequence[str]]
    values: Mapping[str, Sequence[float | None]]
    unit: str = "function"
    metric: str = UNKNOWN
    note: str = ""

    def verdicts(self) -> list[str]:
        """Return one sentence in plain words for each pair, or why there can be no verdict on it."""
        if self.comparison is None:
            return []
        if self.unit != "network":
            return self.comparison.verdicts()
        needed = runs_needed(len(self.comparison.pairs))
        return [
            f"No verdict on {pair.first} and {pair.second}: networks of one evolution descend from each other, so they "
            f"say little about other evolutions; it takes at least {needed} evolutions of each."
            for pair in self.comparison.pairs
        ]

    def to_frame(self) -> pd.DataFrame:
        """Return one row for each strategy and subject, as :func:`compare_table` reads them.

        Columns ``strategy``, ``subject`` (number), ``text``, ``value`` (text: empty for no result, ``nan`` for an
        untrained network).
        """
        rows = [
            (name, subject, text, "" if value is None else repr(value))
            for name, column in self.values.items()
            for subject, (text, value) in enumerate(zip(self.texts[name], column, strict=True))
        ]
        return pd.DataFrame(rows, columns=["strategy", "subject", "text", "value"])


def compare_run(run: RunData, *, correction: Correction = "holm") -> RunComparison:
    """Compare the strategies of a run of ``kind: compare``, of a sweep, whose points are paired, or of evolutions.

    A function's (a point's) value is the mean over its replicates: trainings of one subject with several seeds are not
    several subjects. Where all trainings are of one point, the seeds are what is drawn at random, and each replicate is
    a subject. Trainings that diverged, and networks that the strategy could
    not initialize (state ``invalid``), count at chance: they say something about function and strategy. Failures of
    the infrastructure are left out and counted. The value to beat is the mean fitness of the baseline.

    Raises:
        StatisticsError: if the run is of another kind.
    """
    if run.kind not in KINDS:
        raise StatisticsError(
            f"{run.path} is no comparison but a run of kind {run.kind!r}; use gondwana report"
        )
    if run.kind == "side_by_side":
        return compare_evolutions(
            evolutions_of(run), chance=chance_of(run), metric=run.metric, correction=correction
        )
    baseline = tuple(
        trial.fitness
        for trial in run.trials
        if trial.candidate.origin.get("role") == "baseline" and trial.fitness is not None
    )
    cells = _cells(run)
    if run.kind == "sweep":
        cells = subjects_of(cells)
    texts = {
        name: [str(trials[0].candidate.origin.get("text", "")) for _, trials in sorted(functions.items())]
        for name, functions in cells.items()
    }
    chance = chance_of(run)
    values = {
        name: [_value(trials, chance) for _, trials in sorted(functions.items())]
        for name, functions in cells.items()
    }
    comparison = _compared(run.config["search"], values, baseline, chance, correction)
    return RunComparison(comparison, baseline, texts, values, unit_of(run), run.metric)


def _cells(run: RunData) -> Cells:
    """Return the replicates of each subject, by strategy and number of the subject."""
    cells: Cells = {}
    for trial in run.trials:
        origin = trial.candidate.origin
        subject = origin.get("function", origin.get("point"))
        if subject is not None:
            cells.setdefault(str(origin["strategy"]), {}).setdefault(int(subject), []).append(trial)
    return cells


def unit_of(run: RunData) -> str:
    """Return what one value of a planned run stands for: "function", "point", or "seed" where there is one point."""
    if run.kind != "sweep":
        return "function"
    return "seed" if _is_one_point(_cells(run)) else "point"


def _is_one_point(cells: Cells) -> bool:
    return len({number for found in cells.values() for number in found}) == 1


def subjects_of(cells: Cells) -> Cells:
    """Return the trainings of a sweep by subject: its points, or the replicates of the only one."""
    if not _is_one_point(cells):
        return cells
    return {
        strategy: {
            int(trial.candidate.origin.get("replicate", 0)): [trial]
            for trials in found.values()
            for trial in trials
        }
        for strategy, found in cells.items()
    }


def _compared(
    settings: Mapping[str, Any],
    values: Mapping[str, Sequence[float | None]],
    baseline: Sequence[float],
    chance: float | None,
    correction: Correction,
) -> Comparison | None:
    """Return the statistics of the strategies that have a result; None while fewer than two can be compared."""
    known = {name: column for name, column in values.items() if any(value is not None for value in column)}
    paired = bool(settings.get("paired", True))
    if len(known) < 2 or (paired and not have_common_subjects(known)):
        return None
    return compare(
        _aligned(known) if paired else known,
        chance=chance,
        margin=float(settings["margin"]),
        baseline=list(baseline) or None,
        paired=paired,
        correction=correction,
    )


ONE_OF_EACH = (
    "The values are the networks that the evolutions made{until}. Networks of one evolution descend "
    "from each other, so they are no independent draws: what follows describes these evolutions and says little about "
    "others. Enough evolutions of each kind are compared as wholes."
)
WHOLES = "Every value is the best network of one evolution{until}."


def compare_evolutions(
    groups: Groups, *, chance: float | None, metric: str, correction: Correction = "holm"
) -> RunComparison:
    """Compare groups of evolutions, by their best networks if there are enough of them, otherwise by all networks."""
    found = measured(groups)
    known = {
        name: column for name, column in found.values.items() if any(value is not None for value in column)
    }
    comparison = compare(known, chance=chance, correction=correction) if len(known) > 1 else None
    until = f" up to generation {found.last}" if found.last >= 0 else " so far"
    note = (WHOLES if found.unit == "evolution" else ONE_OF_EACH).format(until=until)
    return RunComparison(comparison, (), found.texts, found.values, found.unit, metric, note)


def chance_of(run: RunData) -> float | None:
    """Return the chance level with which the run scored diverged trainings, from its task; None if it is unknown."""
    from gondwana import tasks

    task = run.config.get("task", {})
    return tasks.get(str(task["name"]), **task.get("options", {})).info.chance if "name" in task else None


def _value(trials: Sequence[Trial], chance: float | None) -> float | None:
    """Return the mean over replicates, untrained ones at chance; NaN if none was trained, None if none has a result."""
    values: list[float | None] = []
    for trial in trials:
        if trial.outcome is not None and trial.outcome.state in (State.DIVERGED, State.INVALID):
            values.append(math.nan)
        else:
            values.append(None if trial.outcome is None else trial.outcome.fitness)
    return mean_of_subject(values, chance)


def mean_of_subject(values: Sequence[float | None], chance: float | None) -> float | None:
    """Return the mean of the results of one subject.

    Args:
        values: NaN is an untrained network, which counts at chance; None is no result.
        chance: without it untrained networks are left out of the mean.

    Returns:
        NaN if none was trained, None if there is no result.
    """
    known = [value for value in values if value is not None]
    trained = [value for value in known if not math.isnan(value)]
    if not trained:
        return math.nan if known else None
    untrained = 0 if chance is None else len(known) - len(trained)
    return (sum(trained) + untrained * (chance or 0.0)) / (len(trained) + untrained)


def _aligned(columns: Mapping[str, Sequence[float | None]]) -> dict[str, list[float | None]]:
    """Fill columns that an unfinished run left shorter with None."""
    longest = max(len(column) for column in columns.values())
    return {name: [*column, *[None] * (longest - len(column))] for name, column in columns.items()}


def have_common_subjects(columns: Mapping[str, Sequence[float | None]]) -> bool:
    """Return whether a subject has a result in every column."""
    rows = list(zip(*columns.values(), strict=False))
    return any(all(value is not None for value in row) for row in rows)


class TableError(ValueError):
    """A CSV file that does not hold what a comparison needs."""


def compare_table(
    path: Path,
    *,
    group: str,
    value: str,
    subject: str | None = None,
    chance: float | None = None,
    margin: float = 0.0,
    baseline: float | None = None,
    correction: Correction = "holm",
) -> Comparison:
    """Compare groups of a CSV file with one outcome a row.

    An empty cell in the value column is no result. ``nan`` and ``inf`` are diverged trainings. A column ``state`` as
    ``gondwana export`` writes it is respected: networks that were refused count at chance, failures of the
    infrastructure are left out.

    Args:
        group: column that names the group.
        value: column of the outcome, larger is better.
        subject: column that names what belongs together in different groups; makes the comparison paired.
        chance, margin, baseline, correction: as in :func:`gondwana.nas.statistics.compare`.

    Raises:
        TableError: if the file, a column or a number is not as described.
        StatisticsError: if the groups cannot be compared.
    """
    frame = _read(path)
    _refuse_repeated_columns(path)
    _refuse_missing_columns(path, frame, [group, value, *([subject] if subject else [])])
    outcomes = _outcomes(path, frame, value)
    names = list(frame[group])
    if "" in names:
        line = names.index("") + 2
        raise TableError(f"{path}, line {line}: the column {group!r}, which names the group, is empty")
    groups: dict[str, list[float | None]] = {}
    if subject is None:
        for name, outcome in zip(names, outcomes, strict=True):
            groups.setdefault(name, []).append(outcome)
    else:
        groups = _by_subject(path, names, list(frame[subject]), outcomes)
    return compare(
        groups,
        chance=chance,
        margin=margin,
        baseline=baseline,
        paired=subject is not None,
        correction=correction,
    )


def _outcomes(path: Path, frame: pd.DataFrame, value: str) -> list[float | None]:
    """Return the column of outcomes, corrected by the column of states if there is one."""
    outcomes = [_number(path, row, cell) for row, cell in enumerate(frame[value], start=2)]
    for row, state in enumerate(frame["state"] if "state" in frame.columns else ()):
        if state == State.INVALID:
            outcomes[row] = math.nan
        elif state in INFRASTRUCTURE:
            outcomes[row] = None
    return outcomes


def _read(path: Path) -> pd.DataFrame:
    try:
        return pd.read_csv(path, dtype=str, keep_default_na=False)
    except FileNotFoundError as error:
        raise TableError(f"{path}: there is no such file") from error
    except (pd.errors.ParserError, pd.errors.EmptyDataError, UnicodeDecodeError) as error:
        raise TableError(f"{path}: is not a CSV file: {' '.join(str(error).split())}") from error


def _refuse_missing_columns(path: Path, frame: pd.DataFrame, wanted: Sequence[str]) -> None:
    for column in wanted:
        if column not in frame.columns:
            raise TableError(
                f"{path}: there is no column {column!r}. Columns: {', '.join(map(repr, frame.columns))}"
            )


def _refuse_repeated_columns(path: Path) -> None:
    with path.open(newline="", encoding="utf-8") as stream:
        columns = next(csv.reader(stream), [])
    repeated = [name for name, count in Counter(columns).items() if count > 1]
    if repeated:
        raise TableError(
            f"{path}: {len(repeated)} names of columns stand there twice: {', '.join(repeated)[:200]}"
        )


def _number(path: Path, row: int, cell: str) -> float | None:
    if not cell.strip():
        return None
    try:
        return float(cell)
    except ValueError as error:
        raise TableError(f"{path}, line {row}: expected a number. Received: {cell[:80]!r}") from error


def _by_subject(
    path: Path, names: Sequence[str], subjects: Sequence[str], outcomes: Sequence[float | None]
) -> dict[str, list[float | None]]:
    order = list(dict.fromkeys(subjects))
    cells: dict[tuple[str, str], float | None] = {}
    for name, subject, outcome in zip(names, subjects, outcomes, strict=True):
        if (name, subject) in cells:
            raise TableError(
                f"{path}: group {name!r} has two rows for the subject {subject!r}; average them first"
            )
        cells[name, subject] = outcome
    return {name: [cells.get((name, subject)) for subject in order] for name in dict.fromkeys(names)}
