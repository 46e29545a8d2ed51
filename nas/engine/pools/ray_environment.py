"""What surrounds Ray: its environment variables, its ports, its messages. Imports nothing of it."""

from __future__ import annotations

import os
import secrets
import socket
import sys
from pathlib import Path

TOKEN_FILE = Path("~/.ray/auth_token")
KNOCK_SECONDS = 10.0


def prepare(address: str) -> None:
    """Set what Ray must find in the environment before its import; values that the user set are kept.

    - Usage reports are off.
    - A local cluster listens on the loopback address alone: that is what Ray does where it supports no clusters of
      several nodes, and it has a variable to say so.
    - It also wants a token from whoever connects, since other users of the machine reach its ports, and anybody who
      connects can run code. Unless the user has a token, it is made for this process and written nowhere.
    - When joining a cluster, a token is used if there is one; whether one is needed, the cluster decides.

    Args:
        address: ``local``, ``auto`` or ``HOST:PORT``.
    """
    if "ray" in sys.modules:
        return
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    os.environ.setdefault("RAY_task_oom_retries", "0")
    # Otherwise Ray prints a paragraph into the driver's output for every worker that dies; the run records it.
    os.environ.setdefault("RAY_DEDUP_LOGS_SKIP_REGEX", "A worker died or was killed")
    if address == "local":
        os.environ.setdefault("RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER", "0")
    if "RAY_AUTH_MODE" in os.environ:
        return
    if address == "local":
        os.environ["RAY_AUTH_MODE"] = "token"
        if not has_token():
            os.environ["RAY_AUTH_TOKEN"] = secrets.token_hex(32)
    elif has_token():
        os.environ["RAY_AUTH_MODE"] = "token"


def has_token() -> bool:
    """Return whether the user has a token for Ray."""
    return bool(
        os.environ.get("RAY_AUTH_TOKEN")
        or os.environ.get("RAY_AUTH_TOKEN_PATH")
        or TOKEN_FILE.expanduser().is_file()
    )


def knock(address: str) -> None:
    """Raise OSError at once if nobody listens; Ray itself would try for minutes."""
    host, _, port = address.rpartition(":")
    if host:
        socket.create_connection((host.strip("[]"), int(port)), timeout=KNOCK_SECONDS).close()


def hint(address: str) -> str:
    """Return the likely remedy for workers that cannot answer a client with a token."""
    if address == "local" or os.environ.get("RAY_AUTH_MODE") != "token":
        return ""
    return "; if the cluster was started without a token, set RAY_AUTH_MODE=disabled"


def telling_line(error: BaseException) -> str:
    """Return the telling part of one of Ray's long messages."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    telling = [line for line in lines if "Worker exit" in line or "died" in line or "Error" in line]
    return " ".join(telling[-1:] or lines[:1] or [type(error).__name__])[:300]
