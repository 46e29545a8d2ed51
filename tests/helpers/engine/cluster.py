"""A run on a Ray cluster of three nodes on one machine, one of which is killed in mid-run."""

from __future__ import annotations

import sys
import threading
import time
from pathlib import Path

from gondwana.nas.engine.pools import ray_environment
from gondwana.nas.engine.pools.ray_options import RayOptions
from gondwana.nas.engine.records.run_folder import RunFolder
from tests.helpers.engine.driver import lead, make_search
from tests.helpers.engine.fakes import no_setup

SECONDS = 0.5


def main(home: Path) -> None:
    """Run and kill; print the number of workers and how many of the outcomes were begun twice."""
    ray_environment.prepare("auto")
    from ray.cluster_utils import Cluster

    from gondwana.nas.engine.pools.ray_pool import RayPool

    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 1, "include_dashboard": False})
    others = [cluster.add_node(num_cpus=2), cluster.add_node(num_cpus=1)]
    cluster.wait_for_nodes()

    def kill_node() -> None:
        import ray

        while recorded(home) < 10:
            time.sleep(0.05)
        # Removing the node that this process is attached to would shut Ray down here, under the pool's feet.
        own = ray.get_runtime_context().get_node_id()
        doomed = next(node for node in others if node.node_id != own)
        cluster.remove_node(doomed, allow_graceful=False)

    try:
        with RayPool(RayOptions(address=cluster.address, setup=no_setup)) as pool:
            print("workers", pool.capacity)
            killer = threading.Thread(target=kill_node, daemon=True)
            killer.start()
            print("finished", lead(home, pool, make_search(SECONDS)))
            killer.join()
            print("nodes", nodes_alive(expected=2))
    finally:
        cluster.shutdown()


def nodes_alive(expected: int) -> int:
    """Return the number of nodes; Ray takes up to half a minute to notice that one is gone, and is waited for."""
    import ray

    end = time.monotonic() + 60
    while True:
        alive = sum(node["Alive"] for node in ray.nodes())
        if alive == expected or time.monotonic() > end:
            return alive
        time.sleep(0.5)


def recorded(home: Path) -> int:
    """Return the number of recorded outcomes."""
    try:
        with RunFolder.open(home).open_store(read_only=True) as store:
            return sum(store.counts()[1].values())
    except (ValueError, RuntimeError):
        return 0


if __name__ == "__main__":
    main(Path(sys.argv[1]))
