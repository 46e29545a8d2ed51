"""A pool that trains nothing: it answers from a table, for simulations of whole searches in seconds."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from gondwana.nas.engine.pools.local_pool import LocalPool
from gondwana.nas.engine.pools.protocol import Job, UnusablePoolError
from gondwana.nas.engine.pools.table import Table, TableError, read_table
from gondwana.nas.evaluation.evaluate import Report


class TablePool(LocalPool):
    """Answers jobs from a table, whatever their ``work`` is.

    Args:
        table: the table, or the path of its file.
        gather_seconds: as of :class:`LocalPool`.

    Raises:
        UnusablePoolError: if there is no such table.
    """

    def __init__(self, table: Table | Path, gather_seconds: float = 0.0) -> None:
        super().__init__(gather_seconds=gather_seconds)
        try:
            self.table = table if isinstance(table, Table) else read_table(table)
        except TableError as error:
            raise UnusablePoolError(str(error)) from error

    def submit(self, job: Job) -> None:
        """Queue a job; what is to be done in it is a look-up, and needs no data."""
        super().submit(replace(job, work=self._look_up, data=None, state=None))

    def devices(self) -> list[str]:
        """Return what answers in the place of a device."""
        return [f"a table of {len(self.table.entries)} {self.table.kind}"]

    def _look_up(self, spec: Any, data: Any) -> Report:
        return self.table.answer(spec)
