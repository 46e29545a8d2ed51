"""What a forest says about hyperparameters: the planted one is found, and of noise nothing is claimed."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from gondwana.nas.candidate import Candidate, Outcome, State
from gondwana.nas.report.data.hyperparameters import candidates_of, hyperparameters, importance
from gondwana.nas.report.data.run_data import Trial
from gondwana.nas.report.figures.hyperparameter_figures import importances, parallel_coordinates
from gondwana.nas.report.page.page import Figures
from gondwana.nas.report.report import load_run
from gondwana.nas.report.sections.hyperparameters import hyperparameter_section
from tests.helpers.runs import HOSTILE, spec, write_run


def trials(count: int, effect: float) -> list[Trial]:
    rng = np.random.default_rng(0)
    found = []
    for id in range(count):
        rate, batch, strategy = (
            10 ** rng.uniform(-4, -1),
            int(rng.integers(16, 128)),
            str(rng.choice(["a", HOSTILE])),
        )
        made = spec("relu(x)", strategy, id) | {
            "training": {"epochs": 3, "learning_rate": rate, "batch_size": batch}
        }
        fitness = 0.5 + effect * np.log10(rate) + 0.01 * rng.normal()
        found.append(Trial(Candidate(id, 0, made, {}), Outcome(id, State.COMPLETED, fitness)))
    return found


def test_only_what_differs_is_a_hyperparameter() -> None:
    assert set(hyperparameters(trials(30, 0.1))) == {
        "strategy",
        "training.learning_rate",
        "training.batch_size",
    }


def test_the_planted_hyperparameter_is_the_most_important() -> None:
    chosen = trials(60, 0.1)
    found = importance(chosen, hyperparameters(chosen))
    assert found is not None and found.tells and found.score > 0.5
    assert found.columns[0][0] == "training.learning_rate"
    assert found.columns[0][1] > 5 * max(abs(mean) for _, mean, _ in found.columns[1:])
    assert importances(found).data[0].y[-1] == "training.learning_rate"


def test_of_noise_nothing_is_claimed() -> None:
    chosen = trials(60, 0.0)
    found = importance(chosen, hyperparameters(chosen))
    assert found is not None and not found.tells


def test_few_candidates_say_nothing() -> None:
    chosen = trials(10, 0.1)
    assert importance(chosen, hyperparameters(chosen)) is None


def test_genes_are_means_of_numbers_and_counts_of_words() -> None:
    def evolved(id: int, filters: list[int], activations: list[str]) -> Trial:
        layers = [
            {"type": "Conv2D", "genes": {"filters": width, "activation": name}}
            for width, name in zip(filters, activations, strict=True)
        ]
        model = {
            "kind": "codeepneat",
            "blueprint": {"nodes": [{"module": "m"}]},
            "modules": {"m": {"layers": layers}},
        }
        return Trial(Candidate(id, 0, {"model": model, "seed": id}, {}), Outcome(id, State.COMPLETED, 0.5))

    table = hyperparameters([evolved(0, [16, 32], ["relu", "relu"]), evolved(1, [64], ["elu"])])
    assert list(table["filters, mean"]) == [24, 64]
    assert list(table["activation: relu"]) == [2, 0]
    assert list(table["activation: elu"]) == [0, 1]
    assert list(table["layers"]) == [2, 1]


def test_every_candidate_has_a_line_and_names_stay_text() -> None:
    chosen = trials(40, 0.1)
    table = hyperparameters(chosen)
    fitness = [trial.fitness or 0.0 for trial in chosen]
    figure = parallel_coordinates(table, list(table), fitness, range(40), "accuracy")
    assert sum(list(trace.y).count(None) for trace in figure.data) == 40
    values = [value for trace in figure.data for value in trace.y if value is not None]
    assert (min(values), max(values)) == (0, 1)
    assert "<img" not in str(figure.to_dict())


@pytest.mark.parametrize("live", [True, False])
def test_the_section_says_what_is_claimed(tmp_path: Path, live: bool) -> None:
    found = trials(30, 0.0)
    config = {"name": "n", "task": {"name": "digits"}}
    run = load_run(
        write_run(tmp_path / "r", config, [t.candidate for t in found], [t.outcome for t in found])
    )
    assert len(candidates_of(run)) == 30
    shown = Figures()
    markup = str(hyperparameter_section(run, shown, live=live))
    assert ("nothing is claimed" in markup) != live
    assert len(shown) == 1
