"""A PostgreSQL server for tests, from the programs of the system; skipped with the reason where there are none."""

from __future__ import annotations

import getpass
import importlib.util
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest


def postgres_url(folder: Path) -> Iterator[str]:
    """Start a server in ``folder`` that listens on a socket there only; yield the URL of an empty database."""
    if importlib.util.find_spec("psycopg") is None:
        pytest.skip("PostgreSQL is not tested: psycopg is not installed (pip install 'psycopg[binary]')")
    programs = find_programs()
    if programs is None:
        pytest.skip("PostgreSQL is not tested: no server is installed (apt-get install postgresql)")
    user = "postgres" if os.geteuid() == 0 else None  # the server refuses to run as root
    if user and subprocess.run(["id", user], capture_output=True, check=False).returncode:
        pytest.skip("PostgreSQL is not tested: it cannot run as root and there is no user 'postgres'")
    folder = folder.resolve()
    # A socket's path may be 107 bytes long, and the server's user must reach it.
    home = Path(f"/tmp/gondwana-pg-{os.getpid()}")
    home.mkdir(mode=0o755)
    try:
        if user:
            shutil.chown(home, user)
        run(programs, user, "initdb", "-D", str(home / "data"), "-U", "gondwana", "-A", "trust", "-N")
        options = f"-c listen_addresses='' -c unix_socket_directories={home} -c fsync=off"
        run(
            programs,
            user,
            "pg_ctl",
            "-D",
            str(home / "data"),
            "-o",
            options,
            "-w",
            "-l",
            str(home / "log"),
            "start",
        )
        try:
            yield f"postgresql+psycopg://gondwana@/postgres?host={home}"
        finally:
            run(programs, user, "pg_ctl", "-D", str(home / "data"), "-m", "immediate", "stop")
    finally:
        shutil.rmtree(home, ignore_errors=True)


def find_programs() -> Path | None:
    """Return the folder of the server's programs: on the path, or where Debian puts them."""
    found = shutil.which("initdb")
    if found:
        return Path(found).resolve().parent
    debian = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    return debian[-1].parent if debian else None


def run(programs: Path, user: str | None, name: str, *arguments: str) -> None:
    """Run one of the server's programs, as ``user`` if that is not None."""
    command = [str(programs / name), *arguments]
    if user and user != getpass.getuser():
        command = ["setpriv", f"--reuid={user}", f"--regid={user}", "--init-groups", *command]
    done = subprocess.run(
        command, capture_output=True, text=True, check=False, cwd="/", stdin=subprocess.DEVNULL, timeout=60
    )
    if done.returncode:
        pytest.skip(f"PostgreSQL is not tested: {name} failed: {done.stderr.strip()[-300:]}")
