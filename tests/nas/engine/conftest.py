"""Pools for the tests of the engine; Ray is started once for all tests of a process."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator

import pytest

from gondwana.nas.engine.pools import ray_environment
from gondwana.nas.engine.pools.local_pool import LocalPool
from gondwana.nas.engine.pools.protocol import Pool
from gondwana.nas.engine.pools.ray_options import RayOptions
from tests.helpers import ROOT
from tests.helpers.engine.postgres import postgres_url


@pytest.fixture(scope="session")
def ray_cluster() -> Iterator[None]:
    ray_environment.prepare("local")
    paths = [str(ROOT), os.environ.get("PYTHONPATH", "")]
    os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, paths))  # workers import tests.helpers
    import ray

    from gondwana.nas.engine.pools.ray_pool import connect

    connect(RayOptions(workers=2))
    yield
    ray.shutdown()


@pytest.fixture
def ray_pool(ray_cluster: None) -> Iterator[Callable[..., Pool]]:
    """Makes Ray pools on the one cluster, with workers that load no framework."""
    from gondwana.nas.engine.pools.ray_pool import RayPool
    from tests.helpers.engine.fakes import no_setup

    pools: list[Pool] = []

    def make(**options: object) -> Pool:
        settings = {"workers": 2, "setup": no_setup, **options}
        pools.append(RayPool(RayOptions(**settings)))
        return pools[-1]

    yield make
    for pool in pools:
        pool.close()


@pytest.fixture(params=["local", "ray"])
def pool(request: pytest.FixtureRequest) -> Iterator[Pool]:
    """A pool of each kind."""
    if request.param == "local":
        with LocalPool() as local:
            yield local
    else:
        yield request.getfixturevalue("ray_pool")()


@pytest.fixture(scope="session")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """URL of an empty PostgreSQL database; skips where there is no server."""
    yield from postgres_url(tmp_path_factory.mktemp("postgres"))
