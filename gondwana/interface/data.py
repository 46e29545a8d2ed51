"""The ``data`` of :func:`gondwana.evolve`: arrays, DataFrames or a task, as a task that workers can be told of."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gondwana.nas.engine.records.run_folder import DATA
from gondwana.tasks.base import SearchData, Task
from gondwana.tasks.own_data.arrays import divided, packed
from gondwana.tasks.own_data.memory import Prepared, prepare
from gondwana.tasks.registry import names, register, task_class
from gondwana.tasks.splits import scale_of

FORMS = "(x, y), (x_train, y_train, x_validation, y_validation[, x_test, y_test]) or a Task"


class DataArgumentError(ValueError):
    """``data`` is none of the things that it can be."""


@dataclass(frozen=True, slots=True)
class GivenData:
    """Data in memory, ready for a run.

    Attributes:
        task: the config's ``task`` section.
        prepared: the splits; None for a task that loads its own.
        content: of the file in the run folder from which the run can be resumed.
    """

    task: Mapping[str, Any]
    prepared: Prepared | None = None
    content: bytes = b""

    def search_data(self, task: Mapping[str, Any], data_dir: Path | None) -> SearchData:
        """Return the splits that a search sees."""
        if self.prepared is None:
            raise DataArgumentError("a task loads its own data")
        return SearchData(self.prepared.splits[0], self.prepared.splits[1])


def given(data: Any, seed: int) -> GivenData:
    """Return what ``data`` of :func:`gondwana.evolve` means.

    Raises:
        DataArgumentError: if it is none of :data:`FORMS`.
        ValueError: if nothing can be learned from it.
    """
    if isinstance(data, Task):
        return GivenData(_described(data))
    if not isinstance(data, tuple | list) or len(data) not in (2, 4, 6):
        what = f"{len(data)} parts" if isinstance(data, tuple | list) else type(data).__name__
        raise DataArgumentError(f"data must be {FORMS}. Received: {what}")
    parts = (
        divided(data[0], data[1], seed) if len(data) == 2 else list(zip(data[::2], data[1::2], strict=True))
    )
    return of_prepared(prepare(parts[0], parts[1:]))


def of_prepared(prepared: Prepared, metric: str | None = None) -> GivenData:
    """Return splits as data of a run; ``metric`` is the fitness in place of accuracy or R squared."""
    content = packed(prepared.splits)
    options: dict[str, Any] = {} if metric is None else {"metric": metric}
    options |= {
        "path": DATA,
        "predict": "class" if prepared.classes else "number",
        "shape": list(prepared.splits[0].x.shape[1:]),
        "classes": prepared.classes,
        "sha256": hashlib.sha256(content).hexdigest(),
        "prepared": True,
        "scale": list(scale_of(prepared.preprocessing)),
    }
    return GivenData({"name": "arrays", "options": options}, prepared, content)


def _described(task: Task) -> dict[str, Any]:
    """Return name and options of a task, and register its class if nobody has."""
    info = task.info
    if info.name not in names():
        register(info.name)(type(task))
    if task_class(info.name) is not type(task):
        raise DataArgumentError(
            f"the task calls itself {info.name!r}, which is the name of another class, "
            f"{task_class(info.name).__name__}; give its info a name of its own"
        )
    return {"name": info.name, "options": dict(info.options)}
