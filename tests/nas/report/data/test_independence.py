"""Every route into a comparison counts as many subjects as there are: without a difference, verdicts are rare."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from gondwana.nas.candidate import Candidate, Outcome, State
from gondwana.nas.report.data.compare_run import RunComparison, compare_run, compare_table
from gondwana.nas.report.data.run_data import RunData, Trial
from gondwana.nas.report.data.several_runs import compare_runs
from tests.helpers.runs import SECONDS, spec

pytestmark = pytest.mark.slow

EXPERIMENTS = 150
LIMIT = 0.055 + 2 * math.sqrt(0.05 * 0.95 / EXPERIMENTS)
STRATEGIES = ("glorot_uniform", "autoinit")
SUBJECT, SEED = 0.05, 0.01
"""Standard deviations of what a strategy does to a point, which a seed does not change, and of a seed."""


def sweep_run(
    rng: np.random.Generator, effects: np.ndarray, seed: int, replicates: int, *, common: np.ndarray
) -> RunData:
    """Return a sweep of points whose values under each strategy are ``common + effects`` and a seed's own deviation.

    Args:
        effects: what each strategy does to each point, shape (strategies, points): the null hypothesis is that its
            distribution is the same for both.
        common: what the point itself is worth, shape (points,).
    """
    trials = []
    for point in range(effects.shape[1]):
        for position, strategy in enumerate(STRATEGIES):
            for replicate in range(replicates):
                number = len(trials)
                origin = {"role": "point", "strategy": strategy, "point": point, "replicate": replicate}
                text = f"training.learning_rate={point}" if effects.shape[1] > 1 else "seed"
                candidate = Candidate(number, 0, spec("relu(x)", strategy, number), {**origin, "text": text})
                value = float(common[point] + effects[position, point] + rng.normal(0, SEED))
                trials.append(Trial(candidate, Outcome(number, State.COMPLETED, value, seconds=SECONDS)))
    search = {"kind": "sweep", "axes": [], "replicates": replicates, "margin": 0.0, "strategies": []}
    config = {"name": "sweep", "seed": seed, "task": {"name": "digits", "options": {}}, "search": search}
    return RunData(Path(f"/run-{seed}"), "sweep", config, 0.0, 1.0, tuple(trials))


def rejections(results: Sequence[RunComparison]) -> float:
    """Return the share of results with a verdict that one strategy is better."""
    return sum(" is better than " in result.verdicts()[0] for result in results) / len(results)


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(20)


def null(rng: np.random.Generator, points: int) -> tuple[np.ndarray, np.ndarray]:
    return rng.normal(0, SUBJECT, (2, points)), 0.7 + rng.normal(0, 0.05, points)


def test_replicates_of_a_point_are_one_subject(rng: np.random.Generator) -> None:
    found = []
    for _ in range(EXPERIMENTS):
        effects, common = null(rng, 13)
        found.append(compare_run(sweep_run(rng, effects, 0, 3, common=common)))
    assert {group.size for group in found[0].comparison.groups} == {13}  # type: ignore[union-attr]
    assert rejections(found) <= LIMIT


def test_a_point_under_several_seeds_in_several_runs_is_one_subject(rng: np.random.Generator) -> None:
    found = []
    for _ in range(EXPERIMENTS):
        effects, common = null(rng, 13)
        found.append(compare_runs([sweep_run(rng, effects, seed, 1, common=common) for seed in range(3)]))
    assert {group.size for group in found[0].comparison.groups} == {13}  # type: ignore[union-attr]
    assert rejections(found) <= LIMIT


def test_of_one_point_the_seeds_are_the_subjects(rng: np.random.Generator) -> None:
    none, some = [], []
    for _ in range(EXPERIMENTS):
        common = np.array([0.7])
        none.append(compare_run(sweep_run(rng, np.zeros((2, 1)), 0, 8, common=common)))
        some.append(compare_run(sweep_run(rng, np.array([[0.0], [0.02]]), 0, 8, common=common)))
    assert none[0].unit == "seed"
    assert {group.size for group in none[0].comparison.groups} == {8}  # type: ignore[union-attr]
    assert rejections(none) <= LIMIT
    assert rejections(some) > 0.7  # two standard deviations


def test_of_one_point_in_several_runs_the_seeds_are_the_subjects(rng: np.random.Generator) -> None:
    runs = [sweep_run(rng, np.zeros((2, 1)), seed, 4, common=np.array([0.7])) for seed in range(3)]
    found = compare_runs(runs)
    assert found.unit == "seed"
    assert {group.size for group in found.comparison.groups} == {12}  # type: ignore[union-attr]


def test_networks_of_one_evolution_give_no_verdict(rng: np.random.Generator) -> None:
    """Two single evolutions: whichever was luckier, nothing is said about their strategies."""

    def evolution(strategy: str, level: float) -> RunData:
        trials = tuple(
            Trial(
                Candidate(n, n // 10, spec("relu(x)", strategy, n), {}),
                Outcome(n, State.COMPLETED, level + float(rng.normal(0, 0.005)), seconds=SECONDS),
            )
            for n in range(40)
        )
        search = {"kind": "codeepneat", "initialization": {"strategy": strategy}}
        config = {"name": "one", "seed": 0, "task": {"name": "digits", "options": {}}, "search": search}
        return RunData(Path(f"/{strategy}"), "one", config, 0.0, 1.0, trials)

    found = compare_runs([evolution("autoinit", 0.72), evolution("he_normal", 0.70)])
    assert found.unit == "network"
    assert found.comparison is not None
    (verdict,) = found.verdicts()
    assert verdict.startswith("No verdict on autoinit and he_normal")
    assert "at least 4 evolutions of each" in verdict


def test_a_table_with_a_subject_twice_is_refused_and_averages_are_right(
    rng: np.random.Generator, tmp_path: Path
) -> None:
    rows = []
    effects, common = null(rng, 13)
    for position, strategy in enumerate(STRATEGIES):
        for point in range(13):
            value = common[point] + effects[position, point]
            rows += [(strategy, point, value + rng.normal(0, SEED)) for _ in range(3)]
    frame = pd.DataFrame(rows, columns=["strategy", "point", "value"])
    frame.to_csv(tmp_path / "all.csv", index=False)
    with pytest.raises(ValueError, match="two rows for the subject '0'; average them first"):
        compare_table(tmp_path / "all.csv", group="strategy", value="value", subject="point")
    frame.groupby(["strategy", "point"], as_index=False).mean().to_csv(tmp_path / "means.csv", index=False)
    found = compare_table(tmp_path / "means.csv", group="strategy", value="value", subject="point")
    assert found.pairs[0].pairs == 13
