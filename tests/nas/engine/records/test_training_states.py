"""States beside a run: bounded, and found again by a new driver."""

from __future__ import annotations

from gondwana.nas.engine.records.training_states import FOLDER, TrainingStates


def test_states_are_found_by_the_next_driver(tmp_path):
    TrainingStates(tmp_path, 1).keep(3, b"state")
    again = TrainingStates(tmp_path, 1)
    assert again.load(3) == b"state"
    assert again.load(4) is None
    again.drop(3)
    again.drop(3)
    assert again.load(3) is None


def test_the_oldest_give_way(tmp_path):
    states = TrainingStates(tmp_path, 0.001)
    for number in range(4):
        states.keep(number, bytes(400))
    assert [number for number in range(4) if states.load(number) is not None] == [2, 3]
    states.keep(9, bytes(1001))
    assert states.load(9) is None
    assert states.load(3) is not None
    again = TrainingStates(tmp_path, 0.001)
    again.keep(9, bytes(700))
    assert sum(path.stat().st_size for path in (tmp_path / FOLDER).iterdir()) <= 1000


def test_a_state_may_be_written_anew(tmp_path):
    states = TrainingStates(tmp_path, 1)
    states.keep(1, b"old")
    states.keep(1, b"new")
    assert states.load(1) == b"new"


def test_nothing_is_left_in_the_end_and_nothing_is_made_without_need(tmp_path):
    states = TrainingStates(tmp_path, 1)
    states.clear()
    assert list(tmp_path.iterdir()) == []
    states.keep(1, b"state")
    (tmp_path / FOLDER / ".2.77.partial").write_bytes(b"torn")
    states.clear()
    assert list(tmp_path.iterdir()) == []
