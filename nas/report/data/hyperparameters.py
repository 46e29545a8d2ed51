"""Which hyperparameters the fitness of a run's candidates depends on, as far as a forest can tell.

A random forest (scikit-learn) predicts fitness from what the candidates were. Only if it does so better than chance on
candidates that it was not fitted on is anything said: then a hyperparameter's importance is how much worse the forest
gets when its values are shuffled among these candidates.
"""

from __future__ import annotations

import statistics
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from gondwana.nas.candidate import State
from gondwana.nas.engine.records.columns import flat_columns
from gondwana.nas.report.data.run_data import RunData, Trial

LEAST = 20
"""Fewest candidates of which anything can be said."""
MOST = 1000
FOLDS, TREES, REPEATS = 5, 100, 5
SIGNIFICANCE = 0.05
MOST_COLUMNS = 40
OF = ": "
"""Between a gene and the value of it whose layers are counted."""
_SKIPPED = ("task.", "origin.", "metric.", "model.kind")


@dataclass(frozen=True, slots=True)
class Importance:
    """What a forest learned about a run's hyperparameters.

    Attributes:
        score: R squared of its predictions for candidates that it was not fitted on.
        p: share of shuffles of the fitness that such predictions fit as well.
        columns: hyperparameter, loss of R squared when it is shuffled, standard deviation over folds; largest first.
    """

    score: float
    p: float
    columns: tuple[tuple[str, float, float], ...]

    @property
    def tells(self) -> bool:
        """Whether the forest predicts better than chance, so that its importances mean something."""
        return self.score > 0 and self.p < SIGNIFICANCE


def candidates_of(run: RunData) -> list[Trial]:
    """Return the trainings with a fitness, each network once, of very many evenly chosen ones."""
    went_on = {trial.candidate.origin.get("continues") for trial in run.trials if trial.fitness is not None}
    found = [
        trial
        for trial in run.trials
        if trial.outcome is not None
        and trial.outcome.state in (State.COMPLETED, State.DIVERGED)
        and trial.candidate.id not in went_on
    ]
    if not found:
        return []
    places = np.unique(np.linspace(0, len(found) - 1, min(len(found), MOST)).round().astype(int))
    return [found[place] for place in places]


def hyperparameters(trials: Sequence[Trial]) -> pd.DataFrame:
    """Return a row for each candidate and a column for each hyperparameter that differs among them.

    A number stays one; of the values of a gene over the layers of an evolved network the mean, or how many layers have
    each, is taken.
    """
    rows = [_values(trial.candidate.spec) for trial in trials]
    table = pd.DataFrame(rows)
    for name in table.columns:
        if OF in name:
            table[name] = table[name].fillna(0.0)
        elif not pd.api.types.is_numeric_dtype(table[name]):
            table[name] = table[name].map(lambda value: "none" if _absent(value) else str(value))
    varied = [name for name in table.columns if table[name].nunique(dropna=False) > 1]
    return table[varied[:MOST_COLUMNS]]


def importance(trials: Sequence[Trial], table: pd.DataFrame) -> Importance | None:
    """Return what a forest learns; None for too few candidates, or if nothing differs among them."""
    from sklearn.inspection import permutation_importance
    from sklearn.model_selection import KFold

    fitness = np.array([float(trial.fitness or 0.0) for trial in trials])
    if len(trials) < LEAST or table.empty or fitness.std() == 0:
        return None
    predicted, losses = np.zeros(len(fitness)), []
    for train, test in KFold(FOLDS, shuffle=True, random_state=0).split(table):
        forest = _forest(table).fit(table.iloc[train], fitness[train])
        predicted[test] = forest.predict(table.iloc[test])
        found = permutation_importance(
            forest,
            table.iloc[test],
            fitness[test],
            scoring="neg_mean_squared_error",
            n_repeats=REPEATS,
            random_state=0,
        )
        losses.append(found.importances_mean / fitness.var())
    score = 1 - float(((fitness - predicted) ** 2).mean() / fitness.var())
    means, deviations = np.mean(losses, axis=0), np.std(losses, axis=0)
    order = np.argsort(-means, kind="stable")
    columns = tuple((str(table.columns[i]), float(means[i]), float(deviations[i])) for i in order)
    return Importance(score, _p_value(predicted, fitness), columns)


def _p_value(predicted: np.ndarray, fitness: np.ndarray, shuffles: int = 999) -> float:
    rng = np.random.default_rng(0)
    error = ((predicted - fitness) ** 2).mean()
    as_good = sum(((predicted - rng.permutation(fitness)) ** 2).mean() <= error for _ in range(shuffles))
    return float((1 + as_good) / (1 + shuffles))


def _forest(table: pd.DataFrame):  # type: ignore[no-untyped-def]
    from sklearn.compose import make_column_transformer
    from sklearn.ensemble import RandomForestRegressor
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OneHotEncoder

    words = [name for name in table.columns if not pd.api.types.is_numeric_dtype(table[name])]
    encoder = OneHotEncoder(handle_unknown="ignore", sparse_output=False)
    columns = make_column_transformer((encoder, words), remainder="passthrough")
    return make_pipeline(columns, RandomForestRegressor(TREES, min_samples_leaf=2, random_state=0))


def _values(spec: Mapping[str, object]) -> dict[str, float | str | None]:
    found: dict[str, float | str | None] = {}
    for name, value in flat_columns(spec, {}, {}).items():
        if name.startswith(_SKIPPED):
            continue
        if name.startswith("gene."):
            found |= _gene(name.removeprefix("gene."), str(value).split())
        elif isinstance(value, bool) or not isinstance(value, (int, float)):
            found[name] = None if value is None else str(value)[:80]
        else:
            found[name] = float(value)
    if "layers" in found:
        found.pop("activation", None)  # every function of the network in one text; there is a count for each
    return found


def _gene(name: str, values: Sequence[str]) -> dict[str, float | str | None]:
    """Return the mean of numbers, or how many layers have each word."""
    try:
        numbers = [float(value) for value in values]
    except ValueError:
        counts: dict[str, float | str | None] = {
            f"{name}{OF}{word}"[:80]: float(times) for word, times in Counter(values).items()
        }
        if name == "layers":
            counts["layers"] = float(len(values))
        return counts
    return {f"{name}, mean": statistics.fmean(numbers)} if numbers else {}


def _absent(value: object) -> bool:
    return value is None or (isinstance(value, float) and value != value)
