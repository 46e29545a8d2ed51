"""The sections of a report. Each takes a run and returns markup, empty if the run has nothing of the kind."""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime

import yaml

from nas.analysis import figures
from nas.analysis.html import Html, Node, definitions, details, element, join, table
from nas.analysis.page import Figures
from nas.analysis.run_data import RunData, Trial
from nas.candidate import RESULTS, State

EMPTY = Html("")
MAXIMUM_ROWS = 2000
"""Rows of the table of candidates; the command for all of them stands below it."""


def introduction(run: RunData) -> Html:
    """What was run, when, and how it ended, in two lines."""
    counts = run.states()
    results = sum(counts[state] for state in RESULTS)
    failures = sum(counts.values()) - results
    best = run.best(1)
    sentence = f"{len(run.trials):,} candidates, {results:,} results, {failures:,} failures"
    if best:
        sentence += f"; best validation fitness {best[0].fitness:.4f} (candidate {best[0].candidate.id})"
    status = (
        "finished" if run.finished is not None else "not finished: this page shows what is recorded so far"
    )
    return join(
        [
            element("p", f"{run.kind or 'run'}, started {when(run.created)}, {status}."),
            element("p", sentence + "."),
        ]
    )


def what_was_run(run: RunData) -> Html:
    """Config, versions, commit, devices, seed and cost."""
    items: list[tuple[Node, Node]] = [("seed", str(run.config.get("seed", "unknown")))]
    items += [(label, text) for label, text in _flat(run.environment)]
    items += list(_cost(run))
    config = yaml.safe_dump(run.config, sort_keys=False, allow_unicode=True)
    return join([definitions(items), details("The whole config", element("pre", config))])


def _flat(environment: Mapping[str, object], prefix: str = "") -> Iterator[tuple[str, str]]:
    for key, value in environment.items():
        name = f"{prefix}{key}".replace("_", " ")
        if key == "seed" and not prefix:
            continue
        if isinstance(value, Mapping):
            yield name, ", ".join(f"{part} {text}" for part, text in value.items())
        elif isinstance(value, list) and any(isinstance(part, Mapping) for part in value):
            yield name, f"{len(value)} times"
        elif isinstance(value, list):
            yield name, ", ".join(map(str, value)) or "none"
        else:
            yield name, "unknown" if value is None else str(value)


def _cost(run: RunData) -> Iterator[tuple[str, str]]:
    worked = sum(sum(values) for phase, values in run.seconds().items() if phase != "queued")
    yield "cost", f"{duration(worked)} of work in the phases built to scored"
    if run.finished is not None:
        yield "wall time", f"{duration(run.finished - run.created)} from creation to end, pauses included"
    saved = run.states()[State.DUPLICATE]
    if saved:
        yield "duplicates", f"{saved:,} answered without training"


def fitness(run: RunData, shown: Figures) -> Html:
    """Fitness over generations, or over candidates for a run of one generation."""
    generations = run.by_generation()
    if not generations:
        return EMPTY
    if len(generations) > 1:
        return shown.add(
            figures.fitness_over_generations(run),
            "Fitness over generations",
            "each generation's best, mean and spread over its results, on the validation split",
        )
    return shown.add(
        figures.fitness_by_candidate(run),
        "Fitness of every candidate",
        "on the validation split, in order of ids",
    )


def best_networks(run: RunData) -> Html:
    """The finalists with their test figures, and the best candidates of the search."""
    parts: list[Node] = []
    if run.finals:
        rows = [
            [
                str(final.rank + 1),
                str(final.outcome.candidate_id),
                number(final.outcome.fitness),
                _metrics(final.outcome.metrics, "test_"),
                _count(final.outcome.parameters),
                final.model_file or "not saved",
            ]
            for final in run.finals
        ]
        header = ("rank", "candidate", "validation", "test, measured once", "parameters", "network")
        parts.append(table(header, rows, caption="Finalists, trained again at the end of the run"))
    for trial in run.best(5):
        parts.append(_network(trial))
    return join(parts)


def _network(trial: Trial) -> Html:
    outcome, candidate = trial.outcome, trial.candidate
    parameters = None if outcome is None else outcome.parameters
    name = str(
        candidate.spec.get("model", {}).get("activation") or candidate.spec.get("model", {}).get("kind", "")
    )
    summary = (
        f"Candidate {candidate.id}: {number(trial.fitness)}, {_count(parameters)} parameters, {name[:120]}"
    )
    return details(
        summary,
        element("p", "Lineage: ", element("code", json.dumps(dict(candidate.origin), ensure_ascii=False))),
        element("pre", json.dumps(dict(candidate.spec), indent=1, ensure_ascii=False)),
    )


def failures(run: RunData, shown: Figures) -> Html:
    """How many outcomes ended in which state, and why."""
    if not run.outcomes:
        return EMPTY
    counts = run.states()
    parts: list[Node] = [shown.add(figures.states(run), "Outcomes by state")]
    infrastructure = sum(counts[state] for state in State if state not in RESULTS)
    parts.append(
        element(
            "p",
            f"{counts[State.DIVERGED]:,} diverged: results, scored at chance. {infrastructure:,} without a result: "
            "not counted in any statistic.",
        )
    )
    rows = [
        [state.value, str(count), element("code", reason)]
        for (state, reason), count in run.reasons().most_common()
    ]
    if rows:
        parts.append(table(("state", "number", "reason"), rows[:50]))
        if len(rows) > 50:
            parts.append(element("p", f"and {len(rows) - 50:,} further reasons", class_="note"))
    return join(parts)


def phases(run: RunData, shown: Figures) -> Html:
    """Where the time went."""
    seconds = {phase: values for phase, values in run.seconds().items() if values}
    if not seconds:
        return EMPTY
    total = sum(sum(values) for values in seconds.values())
    rows = [
        [
            phase,
            duration(sum(values)),
            f"{sum(values) / total:.0%}" if total else "",
            f"{sum(values) / len(values):.2f}",
        ]
        for phase, values in seconds.items()
    ]
    return join(
        [
            shown.add(figures.seconds_by_phase(run), "Seconds by phase", "wall seconds of each evaluation"),
            table(("phase", "total", "share", "mean seconds"), rows),
        ]
    )


def candidates(run: RunData) -> Html:
    """Every candidate in a table with a filter."""
    if not run.trials:
        return EMPTY
    rows = [_row(trial) for trial in run.trials[:MAXIMUM_ROWS]]
    header = ("id", "generation", "state", "fitness", "parameters", "seconds", "seed", "what", "reason")
    note = None
    if len(run.trials) > MAXIMUM_ROWS:
        note = element("p", f"The first {MAXIMUM_ROWS:,} of {len(run.trials):,} candidates.", class_="note")
    search = element(
        "p",
        element("input", type="search", data_filter="candidates", placeholder="Filter: words in any column"),
        " ",
        element("span", id="candidates-count", class_="note"),
    )
    return join([note, details("Show the table", search, table(header, rows, id="candidates"))])


def _row(trial: Trial) -> list[Node]:
    outcome, origin = trial.outcome, trial.candidate.origin
    what = " ".join(str(origin[key]) for key in ("strategy", "text") if key in origin)
    if outcome is None:
        return [
            str(trial.candidate.id),
            str(trial.candidate.generation),
            "no outcome yet",
            "",
            "",
            "",
            "",
            what,
            "",
        ]
    return [
        str(trial.candidate.id),
        str(trial.candidate.generation),
        outcome.state.value,
        number(outcome.fitness),
        _count(outcome.parameters),
        f"{sum(value for phase, value in outcome.seconds.items() if phase != 'queued'):.1f}",
        str(outcome.seed),
        what,
        outcome.reason or "",
    ]


def reproduce(run: RunData) -> Html:
    """The command behind each number of the page."""
    folder = shlex.quote(str(run.path))
    verb = "compare" if run.kind == "compare" else "evolve"
    items: list[tuple[Node, Node]] = [
        ("the whole run", f"gondwana {verb} {folder}/config.yaml --run-dir NEW_FOLDER"),
        ("this page", f"gondwana report {folder}"),
        ("every outcome as a row", f"gondwana export {folder} --format csv"),
    ]
    if run.kind == "compare":
        items.append(("the tables and tests", f"gondwana compare {folder}"))
    else:
        items.append(("the best network's score", f"gondwana best {folder}"))
    text = (
        "Fitness is measured on the validation split after the last epoch. A candidate's seed is derived from the "
        "run's seed and from what the candidate is, so the same config gives the same candidates, whatever the number "
        "of workers. Bit-equal training needs the same versions, device and number of threads."
    )
    return join(
        [element("p", text), definitions((label, element("code", command)) for label, command in items)]
    )


def when(seconds: float) -> str:
    """Return a Unix time as UTC date and time."""
    return datetime.fromtimestamp(seconds, tz=UTC).strftime("%Y-%m-%d %H:%M UTC")


def duration(seconds: float) -> str:
    """Return seconds as a readable duration."""
    if seconds < 120:
        return f"{seconds:.1f} s"
    if seconds < 7200:
        return f"{seconds / 60:.1f} min"
    return f"{seconds / 3600:.1f} h"


def number(value: float | None) -> str:
    """Return a fitness with four digits, or nothing."""
    return "" if value is None else f"{value:.4f}"


def _count(value: int | None) -> str:
    return "" if value is None else f"{value:,}"


def _metrics(metrics: Mapping[str, float], prefix: str) -> str:
    chosen = {key.removeprefix(prefix): value for key, value in metrics.items() if key.startswith(prefix)}
    return ", ".join(f"{key} {value:.4f}" for key, value in sorted(chosen.items())) or "not measured"
