"""The sections of a report. Each takes a run and returns markup, empty if the run has nothing of the kind."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping
from dataclasses import replace

import yaml

from gondwana.nas.candidate import RESULTS, State
from gondwana.nas.report.data.compare_run import INFRASTRUCTURE, KINDS
from gondwana.nas.report.data.run_data import RunData, Trial
from gondwana.nas.report.data.wording import count, duration, number, when
from gondwana.nas.report.figures import figures
from gondwana.nas.report.page.html import Html, Node, definitions, details, element, join, table
from gondwana.nas.report.page.page import Figures
from gondwana.nas.searches.side_by_side import RECORDED

EMPTY = Html("")
MAXIMUM_REASONS = 50
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
        sentence += f"; best validation {run.metric} {best[0].fitness:.4f} (candidate {best[0].candidate.id})"
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
            f"each generation's best, mean and spread over its results: {run.metric} on the validation split",
        )
    return shown.add(
        figures.fitness_by_candidate(run),
        "Fitness of every candidate",
        f"{run.metric} on the validation split, in order of ids",
    )


def species(run: RunData, shown: Figures) -> Html:
    """Species of blueprints and modules over time, from the snapshots at the end of each generation."""
    parts: list[Node] = []
    for name in _evolutions(run):
        states = {g: snapshot[RECORDED].get(name, {}) for g, snapshot in run.snapshots.items()}
        found = species(replace(run, config={}, snapshots=states), shown)
        if found:
            parts += [element("h3", name), found]
    if parts:
        return join(parts)
    for population in ("modules", "blueprints"):
        sizes = figures.species_over_time(run, population)
        if sizes is not None:
            parts.append(
                shown.add(sizes, f"Species of {population}", "members at the end of each generation")
            )
        best = figures.species_fitness(run, population)
        if best is not None:
            parts.append(
                shown.add(best, f"Best {population} by species", "best mean fitness of any member so far")
            )
    return join(parts)


def _evolutions(run: RunData) -> list[str]:
    """Return the names of the evolutions in the snapshots of ``kind: side_by_side``; empty for other runs."""
    if run.kind != "side_by_side":
        return []
    return list(
        dict.fromkeys(name for snapshot in run.snapshots.values() for name in snapshot.get(RECORDED, {}))
    )


def failures(run: RunData, shown: Figures) -> Html:
    """How many outcomes ended in which state, and why."""
    if not run.outcomes:
        return EMPTY
    counts = run.states()
    infrastructure = sum(counts[state] for state in INFRASTRUCTURE)
    sentence = (
        f"{counts[State.DIVERGED]:,} diverged: results, scored at chance. {counts[State.INVALID]:,} refused before "
        f"training. {infrastructure:,} failures of the infrastructure (crashed, out of memory, timed out): no results."
    )
    parts: list[Node] = [shown.add(figures.states(run), "Outcomes by state"), element("p", sentence)]
    reasons = run.reasons().most_common()
    rows = [[state.value, str(times), element("code", reason)] for (state, reason), times in reasons]
    if rows:
        parts.append(table(("state", "number", "reason"), rows[:MAXIMUM_REASONS]))
    if len(rows) > MAXIMUM_REASONS:
        parts.append(element("p", f"and {len(rows) - MAXIMUM_REASONS:,} further reasons", class_="note"))
    return join(parts)


def phases(run: RunData, shown: Figures) -> Html:
    """Where the time went; waiting for a worker is shown, but is no share of the work."""
    seconds = {phase: values for phase, values in run.seconds().items() if values}
    if not seconds:
        return EMPTY
    work = sum(sum(values) for phase, values in seconds.items() if phase != "queued")
    rows = [
        [
            phase,
            duration(sum(values)),
            f"{sum(values) / work:.0%}" if work and phase != "queued" else "",
            f"{sum(values) / len(values):.2f}",
        ]
        for phase, values in seconds.items()
    ]
    return join(
        [
            shown.add(figures.seconds_by_phase(run), "Seconds by phase", "wall seconds of each evaluation"),
            table(("phase", "total", "share of the work", "mean seconds"), rows),
        ]
    )


def candidates(run: RunData, table_id: str = "candidates") -> Html:
    """Every candidate in a table with a filter; ``table_id`` is its id in the page."""
    if not run.trials:
        return EMPTY
    rows = [_row(trial) for trial in run.trials[:MAXIMUM_ROWS]]
    header = ("id", "generation", "state", "fitness", "parameters", "seconds", "seed", "what", "reason")
    note = None
    if len(run.trials) > MAXIMUM_ROWS:
        note = element("p", f"The first {MAXIMUM_ROWS:,} of {len(run.trials):,} candidates.", class_="note")
    search = element(
        "p",
        element("input", type="search", data_filter=table_id, placeholder="Filter: words in any column"),
        " ",
        element("span", id=f"{table_id}-count", class_="note"),
    )
    return join([note, details("Show the table", search, table(header, rows, id=table_id))])


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
        count(outcome.parameters),
        f"{sum(value for phase, value in outcome.seconds.items() if phase != 'queued'):.1f}",
        str(outcome.seed),
        what,
        outcome.reason or "",
    ]


def reproduce(run: RunData) -> Html:
    """The command behind each number of the page."""
    folder = shlex.quote(str(run.path))
    verb = "compare" if run.kind in KINDS else "evolve"
    items: list[tuple[Node, Node]] = [
        ("the whole run", f"gondwana {verb} {folder}/config.yaml --run-dir NEW_FOLDER"),
        ("this page", f"gondwana report {folder}"),
        ("every outcome as a row", f"gondwana export {folder} --format csv"),
    ]
    if run.kind in KINDS:
        items.append(("the tables and tests", f"gondwana compare {folder}"))
    else:
        items.append(("the best network's score", f"gondwana best {folder}"))
    text = (
        "Fitness is measured on the validation split after the last epoch. A candidate's seed is derived from the "
        "run's seed and from what the candidate is, so the same config gives the same candidates, whatever the number "
        "of workers; a search that breeds whenever a worker is free (mode: steady, lag: null) repeats them from its "
        "record alone, since they depend on the order in which outcomes arrived. Bit-equal training needs the same "
        "versions, device and number of threads."
    )
    return join(
        [element("p", text), definitions((label, element("code", command)) for label, command in items)]
    )
