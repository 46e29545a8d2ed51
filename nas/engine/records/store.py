"""The run store: every candidate asked for and every outcome, recorded before the search is told.

SQLite in write-ahead mode, or PostgreSQL. Recording an outcome returns only when it is on the disk: neither a killed
driver nor a power failure loses it. Readers in other processes see every commit at once.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Engine, Row

from gondwana.nas.candidate import Candidate, Json, Outcome, State, canonical_json, in_order_json
from gondwana.nas.engine.records import schema
from gondwana.nas.engine.records.schema import candidates, finals, outcomes, repeats, runs, snapshots
from gondwana.nas.engine.records.sqlite import sqlite_engine as sqlite_engine
from gondwana.nas.former_keys import renewed


class StoreError(RuntimeError):
    """The database cannot be written or read: disk full, server gone. Nothing recorded before is affected."""


class NoSuchRunError(ValueError):
    """The database does not hold this run."""


@dataclass(frozen=True, slots=True)
class RecordedCandidate:
    """A candidate with what the store knows about its being asked for.

    Attributes:
        candidate: as the search made it.
        key: its key when it was recorded.
        told_before: number of outcomes that the search had been told when it was asked.
    """

    candidate: Candidate
    key: str
    told_before: int


@dataclass(frozen=True, slots=True)
class RunRecord:
    """What the store knows about a run as a whole; times are Unix times."""

    run_id: str
    name: str
    config: Json
    created: float
    finished: float | None


@dataclass(frozen=True, slots=True)
class Final:
    """A finalist, trained again at the end of the run.

    Attributes:
        rank: 0 for the best of the search.
        outcome: of the retraining; ``fitness`` is on the validation split, ``metrics["test_..."]`` on the test split,
            measured once.
        model_file: name of the saved network inside the run folder.
    """

    rank: int
    outcome: Outcome
    model_file: str | None


@dataclass(frozen=True, slots=True)
class Repeat:
    """A finalist trained with a seed of its own, to tell how good it is from how lucky it was.

    Attributes:
        rank: of the finalist, 0 for the best of the search.
        number: of the seed, from 1.
        candidate: the finalist, with the spec of this training.
        outcome: on the validation split.
    """

    rank: int
    number: int
    candidate: Candidate
    outcome: Outcome


class Store:
    """The records of one run in a database.

    Made by :meth:`create` and :meth:`open`; one writer at a time (the run folder's lock sees to that), any number of
    readers.
    """

    def __init__(self, engine: Engine, run_id: str) -> None:
        self._engine = engine
        self.run_id = run_id
        self._has_curves: bool | None = None

    @classmethod
    def create(cls, engine: Engine, run_id: str, *, name: str, config: Mapping[str, Any]) -> Store:
        """Prepare the database if it is new and enter a new run.

        Raises:
            StoreError: if the database cannot be written.
            SchemaError: if it belongs to a newer version.
        """
        store = cls(engine, run_id)
        with store._transaction() as connection:
            schema.migrate(connection)
            connection.execute(
                runs.insert().values(
                    run_id=run_id, name=name, created=time.time(), config=in_order_json(config)
                )
            )
        return store

    @classmethod
    def open(cls, engine: Engine, run_id: str, *, migrate: bool = True) -> Store:
        """Open a run that the database holds; ``migrate`` brings an older database up to date.

        Raises:
            StoreError: if the database cannot be read.
            SchemaError: if it belongs to a newer version.
            NoSuchRunError: if the run is not in it.
        """
        store = cls(engine, run_id)
        if migrate:
            with store._transaction() as connection:
                schema.migrate(connection)
        store.run()
        return store

    # --- writing

    def add_candidates(self, asked: Sequence[tuple[Candidate, str]], told_before: int) -> None:
        """Record candidates with their keys, all or none.

        A power failure may lose those recorded after the last outcome, and they are then asked for again, the same.
        """
        rows = [
            {
                "candidate_id": candidate.id,
                "run_id": self.run_id,
                "generation": candidate.generation,
                "key": key,
                "spec": canonical_json(candidate.spec),
                "origin": canonical_json(candidate.origin),
                "told_before": told_before,
                "asked": time.time(),
            }
            for candidate, key in asked
        ]
        if rows:
            with self._transaction(durable=False) as connection:
                connection.execute(candidates.insert(), rows)

    def add_outcomes(self, batch: Sequence[Outcome], first: int) -> None:
        """Record outcomes in the order in which the search will be told, all or none.

        Args:
            batch: outcomes of candidates that have none yet.
            first: sequence number of the first one: the number of outcomes already recorded.

        Raises:
            StoreError: if one of the candidates has an outcome already, or the database cannot be written.
        """
        rows = [
            {
                "candidate_id": outcome.candidate_id,
                "run_id": self.run_id,
                "sequence": first + position,
                "state": outcome.state.value,
                "fitness": outcome.fitness,
                "parameters": outcome.parameters,
                "seed": outcome.seed,
                "worker": outcome.worker,
                "attempts": outcome.attempts,
                "duplicate_of": outcome.duplicate_of,
                "reason": outcome.reason,
                "metrics": canonical_json(outcome.metrics),
                "seconds": canonical_json(outcome.seconds),
                "recorded": time.time(),
                "curve": canonical_json(outcome.curve) if outcome.curve else None,
            }
            for position, outcome in enumerate(batch)
        ]
        if rows:
            with self._transaction() as connection:
                connection.execute(outcomes.insert(), rows)

    def add_snapshot(self, generation: int, snapshot: Mapping[str, Any]) -> None:
        """Record the search's state at the end of a generation, unless it is already there."""
        with self._transaction() as connection:
            where = (snapshots.c.run_id == self.run_id, snapshots.c.generation == generation)
            if connection.execute(sa.select(snapshots.c.generation).where(*where)).first() is None:
                row = {"run_id": self.run_id, "generation": generation, "snapshot": canonical_json(snapshot)}
                connection.execute(snapshots.insert().values(row))

    def add_final(self, final: Final) -> None:
        """Record a finalist."""
        row = {
            "rank": final.rank,
            "run_id": self.run_id,
            "candidate_id": final.outcome.candidate_id,
            "outcome": canonical_json(final.outcome.to_json()),
            "model_file": final.model_file,
            "recorded": time.time(),
        }
        with self._transaction() as connection:
            connection.execute(finals.insert().values(row))

    def add_repeat(self, repeat: Repeat) -> None:
        """Record a training of a finalist with another seed."""
        row = {
            "rank": repeat.rank,
            "repeat": repeat.number,
            "run_id": self.run_id,
            "candidate_id": repeat.candidate.id,
            "spec": canonical_json(repeat.candidate.spec),
            "outcome": canonical_json(repeat.outcome.to_json()),
            "recorded": time.time(),
        }
        with self._transaction() as connection:
            connection.execute(repeats.insert().values(row))

    def finish(self) -> None:
        """Record that the run is complete, finalists included."""
        with self._transaction() as connection:
            connection.execute(runs.update().where(runs.c.run_id == self.run_id).values(finished=time.time()))

    def discard(self) -> None:
        """Delete the run with all that is recorded of it: for one that was refused before it began."""
        with self._transaction() as connection:
            for table in (repeats, finals, snapshots, outcomes, candidates, runs):
                connection.execute(table.delete().where(table.c.run_id == self.run_id))

    # --- reading

    def run(self) -> RunRecord:
        """Return the run as a whole. Raises NoSuchRunError if it is not there."""
        row = self._one(sa.select(runs).where(runs.c.run_id == self.run_id))
        if row is None:
            raise NoSuchRunError(f"the database holds no run {self.run_id!r}")
        return RunRecord(row.run_id, row.name, renewed(json.loads(row.config))[0], row.created, row.finished)

    def candidates(self) -> Iterator[RecordedCandidate]:
        """Yield all candidates in the order of their ids."""
        query = (
            sa.select(candidates)
            .where(candidates.c.run_id == self.run_id)
            .order_by(candidates.c.candidate_id)
        )
        for row in self._rows(query):
            yield _candidate(row)

    def candidate(self, candidate_id: int) -> Candidate:
        """Return one candidate. Raises KeyError if it was not recorded."""
        where = (candidates.c.run_id == self.run_id, candidates.c.candidate_id == candidate_id)
        row = self._one(sa.select(candidates).where(*where))
        if row is None:
            raise KeyError(candidate_id)
        return _candidate(row).candidate

    def outcomes(self, since: int = 0) -> Iterator[Outcome]:
        """Yield outcomes in the order in which they were told to the search, from the ``since``-th on."""
        where = (outcomes.c.run_id == self.run_id, outcomes.c.sequence >= since)
        for row in self._rows(self._outcomes().where(*where).order_by(outcomes.c.sequence)):
            yield _outcome(row)

    def outcome(self, candidate_id: int) -> Outcome | None:
        """Return the outcome of one candidate, None if it has none yet."""
        where = (outcomes.c.run_id == self.run_id, outcomes.c.candidate_id == candidate_id)
        row = self._one(self._outcomes().where(*where))
        return None if row is None else _outcome(row)

    def recorded(self) -> dict[int, float]:
        """Return the Unix time at which each outcome was recorded, by candidate."""
        query = sa.select(outcomes.c.candidate_id, outcomes.c.recorded)
        return {r.candidate_id: r.recorded for r in self._rows(query.where(outcomes.c.run_id == self.run_id))}

    def _outcomes(self) -> sa.Select[Any]:
        """Return the query for outcomes; a database of version 1, opened to be read only, has no curves."""
        if self._has_curves is None:
            self._has_curves = self._reads(schema.has_curves)
        if self._has_curves:
            return sa.select(outcomes)
        return sa.select(*(column for column in outcomes.c if column.name != "curve"))

    def counts(self) -> tuple[int, dict[State, int]]:
        """Return the number of candidates, and of outcomes by state."""
        asked = sa.select(sa.func.count()).select_from(candidates).where(candidates.c.run_id == self.run_id)
        states = (
            sa.select(outcomes.c.state, sa.func.count().label("number"))
            .where(outcomes.c.run_id == self.run_id)
            .group_by("state")
        )
        total = self._one(asked)
        by_state = {State(row.state): int(row.number) for row in self._rows(states)}
        return (0 if total is None else int(total[0])), by_state

    def snapshots(self) -> dict[int, Json]:
        """Return the recorded snapshots by generation."""
        query = sa.select(snapshots).where(snapshots.c.run_id == self.run_id).order_by(snapshots.c.generation)
        return {row.generation: json.loads(row.snapshot) for row in self._rows(query)}

    def finals(self) -> list[Final]:
        """Return the finalists, best of the search first."""
        query = sa.select(finals).where(finals.c.run_id == self.run_id).order_by(finals.c.rank)
        return [
            Final(row.rank, Outcome.from_json(json.loads(row.outcome)), row.model_file)
            for row in self._rows(query)
        ]

    def repeats(self) -> list[Repeat]:
        """Return the finalists' trainings with several seeds, by rank and number."""
        if not self._reads(schema.has_repeats):
            return []
        query = sa.select(repeats).where(repeats.c.run_id == self.run_id)
        return [
            Repeat(
                row.rank,
                row.repeat,
                Candidate(row.candidate_id, 0, json.loads(row.spec)),
                Outcome.from_json(json.loads(row.outcome)),
            )
            for row in self._rows(query.order_by(repeats.c.rank, repeats.c.repeat))
        ]

    def close(self) -> None:
        """Close the connections."""
        self._engine.dispose()

    def __enter__(self) -> Store:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @contextmanager
    def _transaction(self, *, durable: bool = True) -> Iterator[Connection]:
        """Commit at the end; ``durable`` waits until SQLite's log is on the disk."""
        try:
            with self._engine.execution_options(durable=durable).begin() as connection:
                yield connection
        except sa.exc.SQLAlchemyError as error:
            raise StoreError(_plain(error)) from error

    def _reads(self, has: Callable[[Engine], bool]) -> bool:
        """Return whether the database has what came after version 1; one that is only read is not migrated."""
        try:
            return has(self._engine)
        except sa.exc.SQLAlchemyError as error:
            raise StoreError(_plain(error)) from error

    def _rows(self, query: sa.Select[Any]) -> Sequence[Row[Any]]:
        try:
            with self._engine.connect() as connection:
                return connection.execute(query).all()
        except sa.exc.SQLAlchemyError as error:
            raise StoreError(_plain(error)) from error

    def _one(self, query: sa.Select[Any]) -> Row[Any] | None:
        rows = self._rows(query.limit(1))
        return rows[0] if rows else None


def _candidate(row: Row[Any]) -> RecordedCandidate:
    candidate = Candidate(row.candidate_id, row.generation, json.loads(row.spec), json.loads(row.origin))
    return RecordedCandidate(candidate, row.key, row.told_before)


def _outcome(row: Row[Any]) -> Outcome:
    return Outcome(
        candidate_id=row.candidate_id,
        state=State(row.state),
        fitness=row.fitness,
        metrics=json.loads(row.metrics),
        parameters=row.parameters,
        seconds=json.loads(row.seconds),
        seed=row.seed,
        worker=row.worker,
        reason=row.reason,
        attempts=row.attempts,
        duplicate_of=row.duplicate_of,
        curve=tuple(json.loads(getattr(row, "curve", None) or "[]")),
    )


def _plain(error: sa.exc.SQLAlchemyError) -> str:
    """Return the database's own words, without SQL and links."""
    cause = getattr(error, "orig", None) or error
    return f"run store: {' '.join(str(cause).split())}"
