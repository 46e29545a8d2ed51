"""The sections of a report. Each takes a run and returns markup, empty if the run has nothing of the kind."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping
from dataclasses import replace

import yaml
from markupsafe import Markup

from gondwana.nas.candidate import RESULTS, State
from gondwana.nas.report.data.compare_run import INFRASTRUCTURE, KINDS
from gondwana.nas.report.data.run_data import RunData, Trial
from gondwana.nas.report.figures import figures
from gondwana.nas.report.page.page import Figures
from gondwana.nas.report.page.templates import render
from gondwana.nas.report.page.wording import count, duration, number
from gondwana.nas.searches.side_by_side import RECORDED

EMPTY = Markup("")
MAXIMUM_REASONS = 50
MAXIMUM_ROWS = 2000
"""Rows of the table of candidates; the command for all of them stands below it."""


def introduction(run: RunData) -> Markup:
    """What was run, when, and how it ended, in two lines."""
    counts = run.states()
    results = sum(counts[state] for state in RESULTS)
    best = run.best(1)
    return render(
        "sections/introduction.html.j2",
        kind=run.kind or "run",
        created=run.created,
        finished=run.finished is not None,
        candidates=len(run.trials),
        results=results,
        failures=sum(counts.values()) - results,
        metric=run.metric,
        best=best[0] if best else None,
    )


def what_was_run(run: RunData) -> Markup:
    """Config, versions, commit, devices, seed and cost."""
    seed = ("seed", str(run.config.get("seed", "unknown")))
    return render(
        "sections/what_was_run.html.j2",
        facts=[seed, *_flat(run.environment), *_cost(run)],
        config=yaml.safe_dump(run.config, sort_keys=False, allow_unicode=True),
    )


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


def fitness(run: RunData, shown: Figures) -> Markup:
    """Fitness over generations, or over candidates for a run of one generation, and over seconds."""
    generations = run.by_generation()
    if not generations:
        return EMPTY
    if len(generations) > 1:
        first = shown.add(
            figures.fitness_over_generations(run),
            "Fitness over generations",
            f"each generation's best, mean and spread over its results: {run.metric} on the validation split",
        )
    else:
        first = shown.add(
            figures.fitness_by_candidate(run),
            "Fitness of every candidate",
            f"{run.metric} on the validation split, in order of ids",
        )
    over_time = figures.fitness_over_seconds(run)
    if over_time is None:
        return first
    caption = "when each outcome was recorded, pauses included"
    return first + shown.add(over_time, "Fitness over time", caption)


def species(run: RunData, shown: Figures) -> Markup:
    """Species of blueprints and modules over time, from the snapshots at the end of each generation."""
    evolutions = []
    for name in _evolutions(run):
        states = {g: snapshot[RECORDED].get(name, {}) for g, snapshot in run.snapshots.items()}
        found = species(replace(run, config={}, snapshots=states), shown)
        if found:
            evolutions.append((name, found))
    if evolutions:
        return render("sections/species.html.j2", evolutions=evolutions, figures=[])
    return render("sections/species.html.j2", evolutions=[], figures=_species_figures(run, shown))


def _species_figures(run: RunData, shown: Figures) -> list[Markup]:
    parts = []
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
    return parts


def _evolutions(run: RunData) -> list[str]:
    """Return the names of the evolutions in the snapshots of ``kind: side_by_side``; empty for other runs."""
    if run.kind != "side_by_side":
        return []
    return list(
        dict.fromkeys(name for snapshot in run.snapshots.values() for name in snapshot.get(RECORDED, {}))
    )


def failures(run: RunData, shown: Figures) -> Markup:
    """How many outcomes ended in which state, and why."""
    if not run.outcomes:
        return EMPTY
    counts = run.states()
    reasons = [(state.value, times, reason) for (state, reason), times in run.reasons().most_common()]
    return render(
        "sections/failures.html.j2",
        figure=shown.add(figures.states(run), "Outcomes by state"),
        diverged=counts[State.DIVERGED],
        invalid=counts[State.INVALID],
        infrastructure=sum(counts[state] for state in INFRASTRUCTURE),
        reasons=reasons[:MAXIMUM_REASONS],
        further=len(reasons) - MAXIMUM_REASONS,
    )


def phases(run: RunData, shown: Figures) -> Markup:
    """Where the time went; waiting for a worker is shown, but is no share of the work."""
    seconds = {phase: values for phase, values in run.seconds().items() if values}
    if not seconds:
        return EMPTY
    work = sum(sum(values) for phase, values in seconds.items() if phase != "queued")
    rows = [
        (
            phase,
            duration(sum(values)),
            f"{sum(values) / work:.0%}" if work and phase != "queued" else "",
            f"{sum(values) / len(values):.2f}",
        )
        for phase, values in seconds.items()
    ]
    figure = shown.add(figures.seconds_by_phase(run), "Seconds by phase", "wall seconds of each evaluation")
    return render("sections/phases.html.j2", figure=figure, rows=rows)


def candidates(run: RunData, table_id: str = "candidates") -> Markup:
    """Every candidate in a table with a filter; ``table_id`` is its id in the page."""
    if not run.trials:
        return EMPTY
    rows = [_row(trial) for trial in run.trials[:MAXIMUM_ROWS]]
    return render(
        "sections/candidates.html.j2", table_id=table_id, rows=rows, shown=len(rows), total=len(run.trials)
    )


def _row(trial: Trial) -> tuple[str, ...]:
    outcome, origin = trial.outcome, trial.candidate.origin
    what = " ".join(str(origin[key]) for key in ("strategy", "text") if key in origin)
    first = (str(trial.candidate.id), str(trial.candidate.generation))
    if outcome is None:
        return (*first, "no outcome yet", "", "", "", "", what, "")
    return (
        *first,
        outcome.state.value,
        number(outcome.fitness),
        count(outcome.parameters),
        f"{sum(value for phase, value in outcome.seconds.items() if phase != 'queued'):.1f}",
        str(outcome.seed),
        what,
        outcome.reason or "",
    )


def reproduce(run: RunData) -> Markup:
    """The command behind each number of the page."""
    folder = shlex.quote(str(run.path))
    compared = run.kind in KINDS
    last = (
        ("the tables and tests", f"gondwana compare {folder}")
        if compared
        else ("the best network's score", f"gondwana best {folder}")
    )
    verb = "compare" if compared else "evolve"
    commands = [
        ("the whole run", f"gondwana {verb} {folder}/config.yaml --run-dir NEW_FOLDER"),
        ("this page", f"gondwana report {folder}"),
        ("every outcome as a row", f"gondwana export {folder} --format csv"),
        last,
    ]
    return render("sections/reproduce.html.j2", commands=commands)
