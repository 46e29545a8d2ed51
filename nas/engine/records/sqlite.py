"""How a SQLite file is opened: write-ahead log, waiting for locks, transactions that are ours."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Engine

BUSY_MILLISECONDS = 30_000


def sqlite_engine(path: Path, *, read_only: bool = False) -> Engine:
    """Return an engine for a SQLite file. With ``read_only`` the file must exist and is never written."""
    mode = "ro" if read_only else "rwc"
    url = f"sqlite:///file:{path.resolve().as_posix()}?mode={mode}&uri=true"
    engine = sa.create_engine(url, connect_args={"timeout": BUSY_MILLISECONDS / 1000})

    @sa.event.listens_for(engine, "connect")
    def _settings(connection: Any, _: Any) -> None:
        # Python's driver would commit before a CREATE TABLE; transactions are begun below instead.
        connection.isolation_level = None
        cursor = connection.cursor()
        cursor.execute(f"PRAGMA busy_timeout={BUSY_MILLISECONDS}")
        if not read_only:
            cursor.execute("PRAGMA journal_mode=WAL")
        cursor.close()

    @sa.event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        if not read_only:
            durable = connection.get_execution_options().get("durable", True)
            connection.exec_driver_sql(f"PRAGMA synchronous={'FULL' if durable else 'NORMAL'}")
        connection.exec_driver_sql("BEGIN" if read_only else "BEGIN IMMEDIATE")

    return engine
