"""The family tree: who descends from whom, as a picture and as a table."""

from __future__ import annotations

from pathlib import Path

from gondwana.nas.candidate import Candidate, Outcome, State
from gondwana.nas.report.data.ancestry import MOST, ancestry
from gondwana.nas.report.data.run_data import RunData, Trial
from gondwana.nas.report.sections.family import family
from tests.helpers.runs import HOSTILE
from tests.nas.report.test_report import Document


def network(
    id: int, blueprint: int, module: int, came: tuple[list, list] = ([], []), **further: object
) -> Trial:
    origin = {
        "blueprint": blueprint,
        "modules": {"0": module},
        "parents": {"blueprint": came[0], "modules": {"0": came[1]}},
        "operators": {
            "blueprint": ["crossover"] if came[0] else [],
            "modules": {"0": ["new_node"] if came[1] else []},
        },
        **further,
    }
    return Trial(Candidate(id, id // 2, {"seed": id}, origin), Outcome(id, State.COMPLETED, id / 10))


def run_of(*trials: Trial) -> RunData:
    return RunData(Path("x"), "x", {}, 0.0, 1.0, trials)


def test_parts_are_followed_to_the_first_generation() -> None:
    trials = (
        network(0, 0, 0),
        network(1, 1, 1),
        network(2, 2, 0, ([0, 1], [])),
        network(3, 2, 2, ([0, 1], [0])),
    )
    found = {item.name: item for item in ancestry(run_of(*trials), trials[3])}
    assert list(found)[-1] == "candidate 3"
    assert found["candidate 3"].parents == ("blueprint 2", "module 2")
    assert found["blueprint 2"].parents == ("blueprint 0", "blueprint 1")
    assert found["blueprint 2"].operators == ("crossover",)
    assert found["module 2"].parents == ("module 0",)
    assert found["module 0"].best == 0.2  # of candidates 0 and 2
    assert "module 1" not in found


def test_evolutions_side_by_side_are_kept_apart() -> None:
    trials = network(0, 0, 0, strategy="b"), network(1, 0, 0, ([5], []), strategy="a")
    found = {item.name: item for item in ancestry(run_of(*trials), trials[0])}
    assert found["blueprint 0"].parents == ()


def test_functions_are_followed_and_cut_when_there_are_too_many() -> None:
    trials = [
        Trial(
            Candidate(id, 0, {"seed": id}, {"parent": id - 1 if id else None, "text": HOSTILE}),
            Outcome(id, State.COMPLETED, id / 100),
        )
        for id in range(60)
    ]
    run = run_of(*trials)
    found = ancestry(run, trials[-1])
    assert [item.name for item in found] == [f"candidate {id}" for id in range(60 - MOST, 60)]
    assert found[0].parents == ()
    document = Document(str(family(run)))
    assert not [tag for tag, _ in document.elements if tag in {"img", "script"}]
    assert f"its {MOST} nearest ancestors" in document.text
    assert sum(tag == "rect" for tag, _ in document.elements) == MOST


def test_without_ancestors_there_is_no_tree() -> None:
    alone = Trial(Candidate(0, 0, {"seed": 0}, {"parents": [HOSTILE]}), Outcome(0, State.COMPLETED, 0.5))
    assert family(run_of(alone)) == ""
    drawn = Trial(Candidate(0, 0, {"seed": 0}, {"parent": None}), Outcome(0, State.COMPLETED, 0.5))
    assert family(run_of(drawn)) == ""
    assert family(run_of()) == ""


def test_a_ring_in_a_damaged_record_ends() -> None:
    ring = [
        Trial(Candidate(id, 0, {"seed": id}, {"parent": 1 - id}), Outcome(id, State.COMPLETED, 0.5))
        for id in (0, 1)
    ]
    assert len(ancestry(run_of(*ring), ring[0])) == 2
