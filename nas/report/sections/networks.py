"""The best networks of a run: finalists with their test figures, and the best candidates with their diagrams."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping

from gondwana.nas.report.data.run_data import RunData, Trial
from gondwana.nas.report.data.wording import count, number
from gondwana.nas.report.page.html import Html, Node, details, element, join, table

SHOWN = 5


def best_networks(run: RunData) -> Html:
    """Return the finalists and the best candidates of the search."""
    parts: list[Node] = []
    if run.finals:
        rows = [
            [
                str(final.rank + 1),
                str(final.outcome.candidate_id),
                number(final.outcome.fitness),
                _metrics(final.outcome.metrics, "test_"),
                count(final.outcome.parameters),
                final.model_file or "not saved",
            ]
            for final in run.finals
        ]
        header = ("rank", "candidate", "validation", "test, measured once", "parameters", "network")
        parts.append(table(header, rows, caption="Finalists, trained again at the end of the run"))
    parts += [_network(run, trial, shown=rank == 0) for rank, trial in enumerate(run.best(SHOWN))]
    return join(parts)


def _network(run: RunData, trial: Trial, *, shown: bool) -> Html:
    candidate = trial.candidate
    model = candidate.spec.get("model", {})
    parameters = None if trial.outcome is None else trial.outcome.parameters
    name = str(model.get("activation") or model.get("kind", ""))
    summary = (
        f"Candidate {candidate.id}: {number(trial.fitness)}, {count(parameters)} parameters, {name[:120]}"
    )
    content = [
        _diagram(run, model),
        element("p", "Lineage: ", element("code", json.dumps(dict(candidate.origin), ensure_ascii=False))),
        details("Spec", element("pre", json.dumps(dict(candidate.spec), indent=1, ensure_ascii=False))),
    ]
    return element("details", element("summary", summary), *content, open=shown)


def _diagram(run: RunData, model: Mapping[str, object]) -> Html | None:
    """Return the picture of an evolved network as an image, which keeps its styles and whatever it holds to itself."""
    if model.get("kind") != "codeepneat":
        return None
    from gondwana import tasks
    from gondwana.nas.searches.codeepneat.network.picture import draw

    task = run.config.get("task", {})
    try:
        svg = draw(model, tasks.get(str(task["name"]), **task.get("options", {})).info)
    except (ValueError, KeyError, TypeError) as error:
        return element("p", f"The network cannot be drawn: {error}", class_="note")
    source = "data:image/svg+xml;base64," + base64.b64encode(svg.encode()).decode()
    return element("img", src=source, alt="Diagram of the network, input at the top", class_="diagram")


def _metrics(metrics: Mapping[str, float], prefix: str) -> str:
    chosen = {key.removeprefix(prefix): value for key, value in metrics.items() if key.startswith(prefix)}
    return ", ".join(f"{key} {value:.4f}" for key, value in sorted(chosen.items())) or "not measured"
