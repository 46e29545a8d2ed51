"""Tables of the run store, and their versions.

One database may hold many runs (PostgreSQL); in a run folder's SQLite file there is one. Rows are only ever added, but
for ``runs.finished`` and ``runs.config``. Version numbers count the entries of :data:`MIGRATIONS`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import sqlalchemy as sa
from sqlalchemy.engine import Connection

metadata = sa.MetaData()

schema_version = sa.Table("gondwana_schema", metadata, sa.Column("version", sa.Integer, nullable=False))

runs = sa.Table(
    "runs",
    metadata,
    sa.Column("run_id", sa.String(32), primary_key=True),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("created", sa.Double, nullable=False, comment="Unix time"),
    sa.Column("finished", sa.Double, comment="Unix time; NULL while unfinished"),
    sa.Column("config", sa.Text, nullable=False, comment="JSON, the resolved config"),
)

candidates = sa.Table(
    "candidates",
    metadata,
    sa.Column("candidate_id", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("run_id", sa.String(32), sa.ForeignKey("runs.run_id"), primary_key=True),
    sa.Column("generation", sa.Integer, nullable=False),
    sa.Column("key", sa.String(64), nullable=False, comment="SHA-256 of the canonical spec"),
    sa.Column("spec", sa.Text, nullable=False, comment="JSON"),
    sa.Column("origin", sa.Text, nullable=False, comment="JSON: lineage"),
    sa.Column(
        "told_before", sa.BigInteger, nullable=False, comment="outcomes the search had been told when asked"
    ),
    sa.Column("asked", sa.Double, nullable=False, comment="Unix time"),
)

outcomes = sa.Table(
    "outcomes",
    metadata,
    sa.Column("candidate_id", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("run_id", sa.String(32), sa.ForeignKey("runs.run_id"), primary_key=True),
    sa.Column(
        "sequence", sa.BigInteger, nullable=False, comment="position in the order told to the search, from 0"
    ),
    sa.Column("state", sa.String(16), nullable=False),
    sa.Column("fitness", sa.Double),
    sa.Column("parameters", sa.BigInteger),
    sa.Column("seed", sa.BigInteger, nullable=False),
    sa.Column("worker", sa.Text, nullable=False),
    sa.Column("attempts", sa.Integer, nullable=False),
    sa.Column("duplicate_of", sa.BigInteger),
    sa.Column("reason", sa.Text),
    sa.Column("metrics", sa.Text, nullable=False, comment="JSON"),
    sa.Column("seconds", sa.Text, nullable=False, comment="JSON, by phase"),
    sa.Column("recorded", sa.Double, nullable=False, comment="Unix time"),
    sa.Column("curve", sa.Text, comment="JSON, one object an epoch; NULL if there is none (version 2)"),
    sa.UniqueConstraint("run_id", "sequence", name="one_outcome_per_position"),
)

snapshots = sa.Table(
    "snapshots",
    metadata,
    sa.Column("generation", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("run_id", sa.String(32), sa.ForeignKey("runs.run_id"), primary_key=True),
    sa.Column(
        "snapshot", sa.Text, nullable=False, comment="JSON: Search.snapshot() when the generation ended"
    ),
)

finals = sa.Table(
    "finals",
    metadata,
    sa.Column(
        "rank", sa.Integer, primary_key=True, autoincrement=False, comment="0 is the best of the search"
    ),
    sa.Column("run_id", sa.String(32), sa.ForeignKey("runs.run_id"), primary_key=True),
    sa.Column("candidate_id", sa.BigInteger, nullable=False),
    sa.Column(
        "outcome", sa.Text, nullable=False, comment="JSON: the retraining; test figures in its metrics"
    ),
    sa.Column("model_file", sa.Text, comment="name inside the run folder; NULL if nothing was saved"),
    sa.Column("recorded", sa.Double, nullable=False, comment="Unix time"),
)

repeats = sa.Table(
    "repeats",
    metadata,
    sa.Column(
        "rank", sa.Integer, primary_key=True, autoincrement=False, comment="0 is the best of the search"
    ),
    sa.Column(
        "repeat", sa.Integer, primary_key=True, autoincrement=False, comment="number of the seed, from 1"
    ),
    sa.Column("run_id", sa.String(32), sa.ForeignKey("runs.run_id"), primary_key=True),
    sa.Column("candidate_id", sa.BigInteger, nullable=False),
    sa.Column("spec", sa.Text, nullable=False, comment="JSON, of this training"),
    sa.Column("outcome", sa.Text, nullable=False, comment="JSON: on the validation split"),
    sa.Column("recorded", sa.Double, nullable=False, comment="Unix time"),
)
"""Trainings of finalists with several seeds (version 2)."""

sa.Index("candidates_by_key", candidates.c.run_id, candidates.c.key)

Migration = Callable[[Connection], None]


def _first(connection: Connection) -> None:
    metadata.create_all(connection)


def has_curves(bind: Connection | sa.Engine) -> bool:
    """Return whether the outcomes of a database have learning curves: not in version 1."""
    return any(column["name"] == "curve" for column in sa.inspect(bind).get_columns(outcomes.name))


def has_repeats(bind: Connection | sa.Engine) -> bool:
    """Return whether a database has the table of finalists' repetitions: not in version 1."""
    return sa.inspect(bind).has_table(repeats.name)


def _second(connection: Connection) -> None:
    if not has_curves(connection):  # a database that is made now has all columns at once
        connection.execute(sa.text(f"ALTER TABLE {outcomes.name} ADD COLUMN curve TEXT"))
    repeats.create(connection, checkfirst=True)


MIGRATIONS: tuple[Migration, ...] = (_first, _second)
"""Entry n brings a database of version n to version n + 1. Entries are never changed once released."""


class SchemaError(ValueError):
    """The database was written by a newer version of Gondwana, or is none of its databases."""


def version_of(connection: Connection) -> int:
    """Return the version of the database; 0 for an empty one."""
    if not sa.inspect(connection).has_table(schema_version.name):
        return 0
    return int(connection.execute(sa.select(schema_version.c.version)).scalar_one())


def migrate(connection: Connection, migrations: Sequence[Migration] = MIGRATIONS) -> None:
    """Bring the database to the newest version inside the connection's transaction.

    Raises:
        SchemaError: if the database is newer than this program.
    """
    version = version_of(connection)
    if version > len(migrations):
        raise SchemaError(
            f"the database has schema version {version}, this version of Gondwana knows up to {len(migrations)}; "
            "use the version that wrote it, or a newer one"
        )
    for number in range(version, len(migrations)):
        migrations[number](connection)
        if number == 0:
            connection.execute(schema_version.insert().values(version=1))
        else:
            connection.execute(schema_version.update().values(version=number + 1))
