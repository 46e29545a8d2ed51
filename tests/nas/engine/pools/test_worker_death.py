"""Deaths of workers: which are charged to the job, and when a job is given up."""

from __future__ import annotations

from gondwana.nas.engine.pools.worker_death import NODE_LOSSES, Deaths


def test_a_job_is_given_up_after_its_retries() -> None:
    deaths = Deaths()
    again = [deaths.count(node_lost=False, max_retries=2) for _ in range(3)]
    assert again == [True, True, False]
    assert (deaths.charged, deaths.lost_nodes) == (3, 0)


def test_lost_nodes_are_not_charged_but_not_for_ever() -> None:
    deaths = Deaths()
    again = [deaths.count(node_lost=True, max_retries=0) for _ in range(NODE_LOSSES + 1)]
    assert again == [True] * NODE_LOSSES + [False]


def test_without_retries_the_first_death_is_the_last() -> None:
    assert not Deaths().count(node_lost=False, max_retries=0)
