"""The ancestors of a candidate, from the origins that a run recorded: blueprints and modules, or functions."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from gondwana.nas.report.data.run_data import RunData, Trial

MOST = 40
"""Ancestors that are shown; the nearest ones of more."""


@dataclass(frozen=True, slots=True)
class Ancestor:
    """A part of a candidate, or what it descends from.

    Attributes:
        name: unique, such as ``blueprint 3``.
        parents: names of those it was made from.
        operators: how it was made from them; empty for the first generation.
        generation: of the first candidate that it was part of.
        best: largest fitness of a candidate that it was part of; None without one.
        text: what else is to be said, such as the text of a function.
    """

    name: str
    parents: tuple[str, ...]
    operators: tuple[str, ...]
    generation: int
    best: float | None
    text: str = ""


def ancestry(run: RunData, trial: Trial) -> list[Ancestor]:
    """Return a candidate and its nearest ancestors, ancestors first; empty if its origin names none."""
    known = _functions(run) if "parent" in trial.candidate.origin else _parts(run, trial)
    start = f"candidate {trial.candidate.id}"
    if start not in known or not known[start].parents:
        return []
    found: dict[str, Ancestor] = {}
    waiting = deque([start])
    while waiting and len(found) < MOST:
        name = waiting.popleft()
        if name in found or name not in known:
            continue
        found[name] = known[name]
        waiting.extend(known[name].parents)
    return _ordered(found)


def _ordered(found: Mapping[str, Ancestor]) -> list[Ancestor]:
    """Return ancestors before their descendants; parents that are not among them are left out."""
    done: dict[str, Ancestor] = {}

    def add(name: str, above: frozenset[str]) -> None:
        if name in done or name in above:
            return
        item = found[name]
        parents = tuple(
            dict.fromkeys(parent for parent in item.parents if parent in found and parent not in above)
        )
        for parent in parents:
            add(parent, above | {name})
        done[name] = Ancestor(name, parents, item.operators, item.generation, item.best, item.text)

    for name in found:
        add(name, frozenset())
    return list(done.values())


def _functions(run: RunData) -> dict[str, Ancestor]:
    """Return every function of a search for functions, with the one that it is a mutant of."""
    found = {}
    for trial in run.trials:
        origin, parent = trial.candidate.origin, trial.candidate.origin.get("parent")
        known = isinstance(parent, int)
        found[f"candidate {trial.candidate.id}"] = Ancestor(
            f"candidate {trial.candidate.id}",
            (f"candidate {parent}",) if known else (),
            ("mutation",) if known else (),
            trial.candidate.generation,
            trial.fitness,
            str(origin.get("text", "")),
        )
    return found


def _parts(run: RunData, trial: Trial) -> dict[str, Ancestor]:
    """Return the blueprints and modules of the evolution that a network comes from, and the network."""
    own = trial.candidate.origin
    found: dict[str, Ancestor] = {}
    for other in run.trials:
        origin = other.candidate.origin
        if any(origin.get(key) != own.get(key) for key in ("strategy", "replicate")):
            continue  # of another evolution, which numbers its parts for itself
        for name, parents, operators in _members(origin):
            before = found.get(name)
            fitness = [
                value for value in (before.best if before else None, other.fitness) if value is not None
            ]
            found[name] = Ancestor(
                name,
                parents if before is None else before.parents,
                operators if before is None else before.operators,
                other.candidate.generation if before is None else before.generation,
                max(fitness, default=None),
            )
    start = f"candidate {trial.candidate.id}"
    parts = tuple(name for name, _, _ in _members(own))
    return found | {start: Ancestor(start, parts, ("assembly",), trial.candidate.generation, trial.fitness)}


def _members(origin: Mapping[str, Any]) -> list[tuple[str, tuple[str, ...], tuple[str, ...]]]:
    """Return name, parents and operators of the blueprint and of every module of a network."""
    parents, operators = _object(origin.get("parents")), _object(origin.get("operators"))
    found = []
    if isinstance(origin.get("blueprint"), int):
        came = tuple(f"blueprint {id}" for id in _ids(parents.get("blueprint")))
        found.append((f"blueprint {origin['blueprint']}", came, _words(operators.get("blueprint"))))
    for species, id in _object(origin.get("modules")).items():
        came = tuple(f"module {parent}" for parent in _ids(_object(parents.get("modules")).get(species)))
        how = _words(_object(operators.get("modules")).get(species))
        found.append((f"module {id}", came, how))
    return found


def _object(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _ids(value: object) -> Iterable[int]:
    return [id for id in value if isinstance(id, int)] if isinstance(value, list) else []


def _words(value: object) -> tuple[str, ...]:
    return tuple(str(word).replace("_", " ") for word in value) if isinstance(value, list) else ()
