"""The best networks of a run: finalists with their test figures, and the best candidates with their diagrams."""

from __future__ import annotations

import base64
import json
import statistics
from collections.abc import Mapping

from markupsafe import Markup

from gondwana.nas.report.data.run_data import RunData, Trial
from gondwana.nas.report.page.templates import render
from gondwana.nas.report.page.wording import count, number

SHOWN = 5


def best_networks(run: RunData) -> Markup:
    """Return the finalists and the best candidates of the search."""
    finals = [
        (
            str(final.rank + 1),
            str(final.outcome.candidate_id),
            number(final.outcome.fitness),
            _metrics(final.outcome.metrics, "test_"),
            count(final.outcome.parameters),
            final.model_file or "not saved",
        )
        for final in run.finals
    ]
    repeats = _repeats(run)
    networks = [_network(run, trial) for trial in run.best(SHOWN)]
    return render("sections/networks.html.j2", finals=finals, repeats=repeats, networks=networks)


def _repeats(run: RunData) -> list[tuple[str, ...]]:
    """Return a row for each finalist that was trained with several seeds, the best mean first."""
    rows: list[tuple[float, tuple[str, ...]]] = []
    for rank in sorted({repeat.rank for repeat in run.repeats}):
        found = [repeat for repeat in run.repeats if repeat.rank == rank]
        known = [repeat.outcome.fitness for repeat in found if repeat.outcome.fitness is not None]
        mean = statistics.fmean(known) if known else None
        deviation = statistics.stdev(known) if len(known) > 1 else None
        row = (
            str(rank + 1),
            str(found[0].candidate.id),
            number(mean),
            number(deviation),
            ", ".join(number(value) for value in known),
            str(len(found) - len(known)),
        )
        rows.append((-1.0 if mean is None else mean, row))
    return [row for _, row in sorted(rows, key=lambda each: -each[0])]


def _network(run: RunData, trial: Trial) -> dict[str, object]:
    """Return the values that the template shows of a network."""
    candidate = trial.candidate
    model = candidate.spec.get("model", {})
    picture, why_not = _picture(run, model)
    return {
        "id": candidate.id,
        "fitness": trial.fitness,
        "parameters": None if trial.outcome is None else trial.outcome.parameters,
        "name": str(model.get("activation") or model.get("kind", ""))[:120],
        "picture": picture,
        "why_no_picture": why_not,
        "lineage": json.dumps(dict(candidate.origin), ensure_ascii=False),
        "spec": json.dumps(dict(candidate.spec), indent=1, ensure_ascii=False),
    }


def _picture(run: RunData, model: Mapping[str, object]) -> tuple[str | None, str | None]:
    """Return the picture of an evolved network as the address of an image, or why it cannot be drawn.

    As an image it keeps its styles, and whatever it holds, to itself.
    """
    if model.get("kind") != "codeepneat":
        return None, None
    from gondwana import tasks
    from gondwana.nas.searches.codeepneat.network.picture import draw

    task = run.config.get("task", {})
    try:
        svg = draw(model, tasks.get(str(task["name"]), **task.get("options", {})).info)
    except (ValueError, KeyError, TypeError) as error:
        return None, str(error) or type(error).__name__
    return "data:image/svg+xml;base64," + base64.b64encode(svg.encode()).decode(), None


def _metrics(metrics: Mapping[str, float], prefix: str) -> str:
    chosen = {key.removeprefix(prefix): value for key, value in metrics.items() if key.startswith(prefix)}
    return ", ".join(f"{key} {value:.4f}" for key, value in sorted(chosen.items())) or "not measured"
