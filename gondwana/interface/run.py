"""A run as an object: its candidates, its networks, its predictions."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from gondwana.nas.delivery.predicting import NoNetworkError, best_path, outputs

if TYPE_CHECKING:
    import keras
    import pandas as pd

    from gondwana.nas.delivery.predicting import Predictor
    from gondwana.nas.engine.records.summary import Summary


@dataclass(frozen=True, slots=True)
class Finalist:
    """A network of the end of a run.

    Attributes:
        rank: 0 for the best of the search.
        candidate: its number.
        fitness: on the validation split, trained again; None if that failed.
        test: on the test split, measured once; None if there is none.
        parameters: number of weights.
        spec: what it was built from.
        path: the saved network; None if there is none.
        metrics: every figure by name.
    """

    rank: int
    candidate: int
    fitness: float | None
    test: float | None
    parameters: int | None
    spec: Mapping[str, Any]
    path: Path | None
    metrics: Mapping[str, float]


class Run:
    """A run, finished or under way; made by :func:`gondwana.evolve`, ``resume`` and ``load_run``."""

    def __init__(self, path: str | Path) -> None:
        from gondwana.nas.engine.records.run_folder import RunFolder

        self.path = RunFolder.open(Path(path)).path
        self._model: tuple[Path, keras.Model] | None = None
        self._predicting: Predictor | None = None

    @property
    def summary(self) -> Summary:
        """The figures of ``gondwana show``, as they are now."""
        from gondwana.nas.engine.records.summary import summarize

        return summarize(self.path)

    @property
    def finished(self) -> bool:
        """True when nothing is left to do."""
        return self.summary.finished

    @property
    def config(self) -> dict[str, Any]:
        """The resolved config."""
        return dict(self.summary.config)

    @property
    def metric(self) -> str:
        """What fitness is."""
        from gondwana.nas.report.data.metric import metric_of

        return metric_of(self.summary.config)

    @property
    def finalists(self) -> list[Finalist]:
        """The networks of the end of the run, best of the search first."""
        from gondwana.nas.engine.records.run_folder import RunFolder

        with RunFolder.open(self.path).open_store(read_only=True) as store:
            return [
                Finalist(
                    rank=final.rank,
                    candidate=final.outcome.candidate_id,
                    fitness=final.outcome.fitness,
                    test=final.outcome.metrics.get("test_fitness"),
                    parameters=final.outcome.parameters,
                    spec=dict(store.candidate(final.outcome.candidate_id).spec),
                    path=None if final.model_file is None else self.path / final.model_file,
                    metrics=dict(final.outcome.metrics),
                )
                for final in store.finals()
            ]

    def to_frame(self) -> pd.DataFrame:
        """Return every outcome as a row, one value a column."""
        import pandas as pd

        from gondwana.nas.engine.records.export import table

        names, rows = table(self.path)
        return pd.DataFrame(rows, columns=names)

    def best_model(self) -> keras.Model:
        """Return the best network, trained. Raises NoNetworkError if none is saved yet."""
        from gondwana.nas import load_network

        path = self.best_path
        if self._model is None or self._model[0] != path:
            self._model = (path, load_network(path))
        return self._model[1]

    @property
    def best_path(self) -> Path:
        """File of the best network. Raises NoNetworkError if none is saved yet."""
        return best_path(self.path)

    def predict(self, rows: Any) -> np.ndarray:
        """Return a class or a number for each row, as people have them: a DataFrame, a file's path, an array.

        Raises:
            NoNetworkError: if no network is saved yet.
            ValueError: if the rows are not what the network was trained with.
        """
        if self._explained():
            return self._predictor().predict(self._rows(rows))
        found = outputs(self.best_model(), np.asarray(rows))
        if found.shape[-1] == 1:
            self._predictor()  # says that nobody knows what one number means
        return np.asarray(found.argmax(axis=1))

    def predict_proba(self, rows: Any) -> np.ndarray:
        """Return the probability of each class for each row, shape (rows, classes); classes as in :attr:`classes`.

        Raises:
            NoNetworkError: if no network is saved yet, or it predicts a number.
            ValueError: if the rows are not what the network was trained with.
        """
        if self._explained():
            return self._predictor().predict_proba(self._rows(rows))
        return outputs(self.best_model(), np.asarray(rows))

    @property
    def classes(self) -> list[Any] | None:
        """Names of the classes; None for a regression, or if the task has no names for them."""
        from gondwana.nas.delivery.predicting import preprocessing_of

        return (preprocessing_of(self.path) or {}).get("classes")

    def report(self) -> Path:
        """Write ``report.html`` into the run folder and return its path."""
        from gondwana.nas.report.report import write_report

        return write_report(self.path)

    def export(self, path: str | Path, form: str | None = None, *, plain: bool = False) -> Path:
        """Write the best network, the outcomes or the report to a file, and return its path.

        Args:
            path: a format of networks, ``keras``, ``savedmodel``, ``onnx``, ``tflite`` or ``torch``, for a file in the
                run folder; or a file, whose ending says what it is: ``.onnx``, ``.tflite``, ``.pt2``; ``.keras``, the
                network alone; ``.csv``, ``.json``, ``.jsonl``, ``.parquet``, ``.tex``, the
                outcomes; ``.html``, the report.
            form: format of the network with its preprocessing; ``path`` is where it goes.
            plain: for ``keras``: without classes of this project.

        Raises:
            ValueError: for another ending, or if there is nothing to write yet, or it cannot be written so.
        """
        from gondwana.nas.delivery.exporting import ENDINGS, export_network
        from gondwana.nas.engine.records import export

        if form is None and str(path) in ENDINGS:
            return export_network(self.path, str(path), plain=plain).path
        out = Path(path)
        endings = {ending: name for name, ending in ENDINGS.items() if name in ("onnx", "tflite", "torch")}
        form = form or endings.get(out.suffix.lower()) or ("keras" if plain else None)
        if form is not None:
            return export_network(self.path, form, out, plain=plain).path
        texts = {
            ".csv": export.to_csv,
            ".json": export.to_json,
            ".jsonl": export.to_json_lines,
            ".tex": export.to_latex,
        }
        ending = out.suffix.lower()
        if ending == ".keras":
            shutil.copyfile(self.best_path, out)
        elif ending == ".html":
            shutil.copyfile(self.report(), out)
        elif ending == ".parquet":
            export.to_parquet(self.path, out)
        elif ending in texts:
            out.write_text(texts[ending](self.path), encoding="utf-8")
        else:
            raise ValueError(
                "the ending of a file says what it is: .keras, .onnx, .tflite, .pt2, .csv, .json, .jsonl, .parquet, "
                f".tex or .html; or name a format, {', '.join(ENDINGS)}. Received: {out}"
            )
        return out

    def __repr__(self) -> str:
        item = self.summary
        return f"Run({str(self.path)!r}, {_state(item)}, {item.told} evaluations, best {_best(item)})"

    def _repr_html_(self) -> str:
        item = self.summary
        rows = [
            ("run", str(self.path)),
            ("state", _state(item)),
            ("evaluations", f"{item.told}, {sum(item.failures.values())} failed"),
            (f"best {self.metric} in the search", _best(item)),
        ]
        rows += [
            (
                f"finalist {final.rank + 1}",
                f"validation {_figure(final.fitness)}, test {_figure(final.test)}, "
                f"{final.parameters or 0:,} parameters",
            )
            for final in self.finalists
        ]
        cells = "".join(f"<tr><th>{escape(name)}</th><td>{escape(value)}</td></tr>" for name, value in rows)
        return f"<table>{cells}</table>"

    def _predictor(self) -> Predictor:
        """Return what predicts with the best network, loaded once."""
        from gondwana.nas.delivery.predicting import Predictor, preprocessing_of, target_of

        model = self.best_model()
        if self._predicting is None or self._predicting.model is not model:
            found = preprocessing_of(self.path)
            if found is None:
                raise NoNetworkError(
                    f"{self.path}: its task does not say what its outputs mean; predict_proba returns them"
                )
            self._predicting = Predictor(model, found, raw=False, target=target_of(self.path))
        return self._predicting

    def _explained(self) -> bool:
        """Return whether it is known what rows and answers are."""
        from gondwana.nas.delivery.predicting import preprocessing_of

        return preprocessing_of(self.path) is not None

    def _rows(self, rows: Any) -> Any:
        """Return rows in memory, read from their file if they are the path of one."""
        if not isinstance(rows, str | Path):
            return rows
        from gondwana.nas.delivery.rows import read_rows

        return read_rows(Path(rows), self._predictor(), self.config["task"]["options"].get("separator")).rows


def _state(item: Summary) -> str:
    return "finished" if item.finished else "running" if item.running else "stopped, can be resumed"


def _best(item: Summary) -> str:
    return _figure(None if item.best is None else item.best.fitness)


def _figure(value: float | None) -> str:
    return "none" if value is None else f"{value:.4f}"
