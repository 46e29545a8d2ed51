"""A local cluster is reached from this machine alone."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

LISTENING = "0A"
LOOPBACK = {"0100007F", "0000000000000000FFFF00000100007F", "00000000000000000000000001000000"}
"""127.0.0.1, the same as an IPv6 address, and ::1, as /proc/net writes them."""


def descendants(pid: int) -> set[int]:
    """Return ``pid`` and all processes that come from it."""
    parents = {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = path.read_text(encoding="ascii", errors="replace").rpartition(")")[2].split()
        except OSError:
            continue
        parents[int(path.parent.name)] = int(fields[1])
    family = {pid}
    while more := {child for child, parent in parents.items() if parent in family} - family:
        family |= more
    return family


def sockets(pids: set[int]) -> set[str]:
    """Return the inodes of the sockets that the processes have open."""
    found = set()
    for pid in pids:
        for path in Path(f"/proc/{pid}/fd").glob("*"):
            try:
                target = os.readlink(path)
            except OSError:
                continue
            if target.startswith("socket:["):
                found.add(target[8:-1])
    return found


def listening(pids: set[int]) -> list[str]:
    """Return the addresses, in the kernel's notation, on which the processes listen for TCP connections."""
    mine, found = sockets(pids), []
    for table in ("tcp", "tcp6"):
        for line in Path("/proc/net", table).read_text(encoding="ascii").splitlines()[1:]:
            fields = line.split()
            if fields[3] == LISTENING and fields[9] in mine:
                found.append(fields[1].partition(":")[0])
    return found


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/net/tcp").exists(), reason="reads /proc, which only Linux has")
def test_a_local_cluster_listens_on_loopback_alone(ray_pool):
    ray_pool(workers=1).devices()
    found = listening(descendants(os.getpid()))
    assert len(found) >= 4  # the head, the node, its agents, a worker
    assert set(found) <= LOOPBACK
