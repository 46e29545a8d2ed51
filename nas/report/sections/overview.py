"""The first screen: what was found, how good it is and how sure that is, what it cost, and what to do next."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from markupsafe import Markup

from gondwana.nas.candidate import RESULTS, State
from gondwana.nas.engine.records.run_folder import BEST_MODEL
from gondwana.nas.engine.records.store import Final
from gondwana.nas.report.data.compare_run import KINDS, compare_run
from gondwana.nas.report.data.run_data import RunData, Trial
from gondwana.nas.report.page.templates import render
from gondwana.nas.report.page.wording import count, duration, number
from gondwana.tasks.baselines import LINEAR

Row = tuple[str, str, str, str]
"""Whose figure it is, the figure, its interval, what it is."""

PREDICTOR = "predictor.keras"
"""File of a run folder that ``gondwana predict`` answers from; written by what stands above the report."""
CONFIG = "config.yaml"
"""File of a run folder that holds its config, defaults included."""

MEASURED_ONCE = "on rows that nothing was chosen by, measured once"


def overview(run: RunData) -> Markup:
    """Return the first screen; of a run without a result, how far it is and how it goes on."""
    best = run.best(1)
    final = best_final(run)
    compared = compare_run(run) if run.kind in KINDS else None
    return render(
        "sections/overview.html.j2",
        found=None if not best else _found(run, best[0], final),
        rows=[] if not best else list(_rows(run, best[0], final)),
        metric=run.metric,
        verdicts=[*_verdicts(run.analysis), *_on_test_rows(run.analysis, final)] if best else [],
        compared=[] if compared is None or compared.comparison is None else compared.verdicts(),
        cost=list(_cost(run)),
        notes=run.notes,
        commands=list(_next(run, final)),
    )


def best_final(run: RunData) -> Final | None:
    """Return the finalist whose network is the best one of the run; None before the end."""
    saved = [final for final in run.finals if final.model_file is not None]
    known = saved or [final for final in run.finals if final.outcome.state in RESULTS]
    return known[0] if known else None


def _found(run: RunData, best: Trial, final: Final | None) -> str:
    results = len({trial.candidate.id for trial in run.trials if trial.fitness is not None})
    id = best.candidate.id if final is None else final.outcome.candidate_id
    trial = next((trial for trial in run.trials if trial.candidate.id == id), best)
    outcome = final.outcome if final is not None else trial.outcome
    model = trial.candidate.spec.get("model", {})
    what = {"codeepneat": "an evolved network", "architecture": model.get("name", "")}.get(
        model.get("kind"), ""
    )
    activation = (
        f" with the activation function {str(model['activation'])[:80]}" if "activation" in model else ""
    )
    size = f", {count(outcome.parameters)} parameters" if outcome and outcome.parameters else ""
    so_far = "" if run.finished is not None else " so far"
    return f"The best of {results:,} networks{so_far} is candidate {id}: {what or 'a network'}{activation}{size}."


def _rows(run: RunData, best: Trial, final: Final | None) -> Iterator[Row]:
    found = run.analysis or {}
    asked = found.get("validation")
    among = len(run.trials)
    chosen = f"on the {_of_rows(found)}rows by which it was chosen among {among:,}, so rather too high"
    fitness = best.fitness if final is None else final.outcome.fitness
    interval = asked and asked.get("interval")
    yield "this network, validation", number(fitness), _between(interval), chosen
    metrics = {} if final is None else final.outcome.metrics
    if "test_fitness" in metrics:
        low, high = metrics.get("test_fitness_low"), metrics.get("test_fitness_high")
        known = None if low is None or high is None else (low, high)
        yield "this network, test", number(metrics["test_fitness"]), _between(known), MEASURED_ONCE
    for baseline in reversed(found.get("baselines", [])):
        where = f"{baseline['name']}, validation"
        yield where, number(baseline["fitness"]), _between(baseline["interval"]), baseline["note"]


def _of_rows(found: Mapping[str, Any]) -> str:
    if "rows" not in found:
        return ""
    shown, every = found["rows"], found["all_rows"]
    return f"{every:,} " if shown == every else f"{every:,} (interval: of {shown:,} of them) "


def _between(interval: Sequence[float] | None) -> str:
    return "not known" if interval is None else f"{interval[0]:.4f} to {interval[1]:.4f}"


def _verdicts(found: Mapping[str, Any] | None) -> Iterator[str]:
    """Yield a sentence for each baseline on whether the network is better, from paired differences on the same rows."""
    if not found:
        yield "No baseline is known yet: it is fitted when the report is written after the first result."
        return
    if "why_not" in found:
        yield f"No baseline is known: {found['why_not']}."
    if found.get("why_no_answers"):
        yield f"The network is not compared with the baselines row by row: {found['why_no_answers']}."
    for baseline in reversed(found.get("baselines", [])):
        between = baseline.get("difference")
        if between is None:
            continue
        low, high = between
        name, span = (
            baseline["name"],
            f"95 % interval of the difference {low:+.4f} to {high:+.4f}, on the same rows",
        )
        if low > 0:
            yield f"Better than the {name} ({span})."
        elif high < 0:
            yield f"Worse than the {name} ({span})."
        else:
            yield f"Not shown to be better or worse than the {name} ({span}, holds 0)."


def _on_test_rows(found: Mapping[str, Any] | None, final: Final | None) -> Iterator[str]:
    """Yield whether the network's test figure is better than the linear model's, which no rows chose.

    The rows that chose the network favour it; this comparison does not, but is not of the same rows, so that it asks
    for intervals that do not meet.
    """
    metrics = {} if final is None else final.outcome.metrics
    linear = [
        item for item in (found or {}).get("baselines", []) if item["name"] == LINEAR and item["interval"]
    ]
    if not linear or "test_fitness_low" not in metrics:
        return
    (low, high), lead = (
        linear[0]["interval"],
        "The validation rows chose the network, which favours it. On test rows it is ",
    )
    if metrics["test_fitness_low"] > high:
        yield f"{lead}better than the {LINEAR} on validation rows too: the intervals do not meet."
    elif metrics["test_fitness_high"] < low:
        yield f"{lead}worse than the {LINEAR} on validation rows: the intervals do not meet."
    else:
        yield f"{lead}not shown to be better than the {LINEAR} on validation rows: the intervals overlap."


def _cost(run: RunData) -> Iterator[tuple[str, str]]:
    states = run.states()
    if run.finished is not None:
        yield "time", f"{duration(run.finished - run.created)} from start to end, pauses included"
    worked = sum(sum(values) for phase, values in run.seconds().items() if phase != "queued")
    yield "work", f"{duration(worked)} of building, training and scoring"
    told = sum(states.values())
    waiting = "" if told == len(run.trials) else f", {len(run.trials) - told:,} without an outcome yet"
    yield "candidates", f"{len(run.trials):,}{waiting}"
    failed = told - sum(states[state] for state in RESULTS)
    diverged = states[State.DIVERGED]
    yield "failures", f"{failed:,} failed, {diverged:,} diverged" if failed or diverged else "none"


def _next(run: RunData, final: Final | None) -> Iterator[tuple[str, str]]:
    folder = shlex.quote(str(run.path))
    if run.finished is None:
        yield "go on, if it was stopped", f"gondwana resume {folder}"
        yield "follow it live", f"gondwana serve {folder}"
    if final is not None and final.model_file is not None:
        yield "the network and its score", f"gondwana best {folder}"
        path = str(run.path / BEST_MODEL)
        raw = (run.path / PREDICTOR).is_file()
        load = f"load_predictor({str(run.path)!r})" if raw else f"load_network({path!r})"
        yield "use it in Python", f"import gondwana; network = gondwana.{load}"
    if (run.path / PREDICTOR).is_file():
        yield "predict raw rows", f"gondwana predict {folder} ROWS --out predictions.csv"
    generations = 0 if run.kind in KINDS else int(run.config.get("generations") or 0)
    if run.finished is not None and generations and (run.path / CONFIG).is_file():
        config = shlex.quote(str(run.path / CONFIG))
        yield "search four times as long", f"gondwana evolve {config} --set generations={4 * generations}"
    if run.kind in KINDS:
        yield "the tables and tests", f"gondwana compare {folder}"
    yield "every outcome as a row", f"gondwana export {folder} --out outcomes.csv"
    yield "this page anew", f"gondwana report {folder}"
