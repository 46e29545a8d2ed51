"""Tables of trainings that were made once, as files: what a search over a small space is answered from.

A table is a gzipped file of JSON lines. The first line says what the file is and where it is from, and what the specs
of all its trainings have in common; each other line is an *entry*: an activation function or a network with the
results of its trainings, one for each seed.
"""

from __future__ import annotations

import gzip
import json
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, get_args

from gondwana.nas.candidate import RESULTS, Json, State, canonical_json
from gondwana.nas.evaluation.evaluate import Report

FORMAT, VERSION = "gondwana-table", 1
Kind = Literal["functions", "networks"]


class TableError(ValueError):
    """A file is no table, or one of another version."""


@dataclass(frozen=True, slots=True)
class Entry:
    """What was trained, and the results.

    Attributes:
        of: ``{"function": text}``, or ``{"model": ..., "training": ...}`` of a network's spec.
        results: of one training each: ``state``, ``fitness``, ``reason``, ``parameters``, ``seconds``, ``curve`` as in
            :class:`gondwana.nas.candidate.Outcome`, and the ``seed``.
    """

    of: Json
    results: list[Json]


class Table:
    """A table in memory.

    Args:
        kind: of what it consists.
        common: what the specs of all its trainings have in common: ``task``, ``initialization``, ``training``, and
            for functions the ``model`` without its activation function.
        entries: in any order.
        provenance: when, by which command and of which commit it was made.
    """

    def __init__(
        self, kind: Kind, common: Mapping[str, Any], entries: Sequence[Entry], provenance: Mapping[str, Any]
    ) -> None:
        self.kind: Kind = kind
        self.common, self.entries, self.provenance = common, tuple(entries), provenance
        self._by_name = {_name(entry.of): entry for entry in entries}
        self._equal: dict[str, Entry | None] = {}
        """What was found for functions that stand in the table under another text."""
        self._distinct: Any = None

    def answer(self, spec: Mapping[str, Any]) -> Report:
        """Return what the training of a spec came to, by the table.

        An entry of several trainings answers with the one that the spec's seed points to: equal specs get equal
        answers, and runs of different seeds different ones. A spec that ends early (``until_epoch``) gets the fitness
        of the learning curve there. What is not in the table is ``invalid``, with the reason in words.
        """
        if (reason := self._difference(spec)) is not None:
            return Report.failure(State.INVALID, f"not in the table: {reason}")
        entry = self.find(spec)
        if entry is None:
            what = spec["model"].get("activation") if self.kind == "functions" else "this network"
            return Report.failure(
                State.INVALID,
                f"not in the table: {what} is none of its {len(self.entries)} {self.kind}; search a space that the "
                "table holds ('search.forms: minimal' for functions), or train it with another pool",
            )
        result = entry.results[int(spec["seed"]) % len(entry.results)]
        return _report(result, spec.get("until_epoch"))

    def find(self, spec: Mapping[str, Any]) -> Entry | None:
        """Return the entry of a spec's function or network; None if there is none."""
        model = spec["model"]
        if self.kind == "networks":
            return self._by_name.get(_name({"model": model, "training": spec["training"]}))
        return self.find_function(str(model["activation"]))

    def find_function(self, text: str) -> Entry | None:
        """Return the entry of a function that is equal to the one written as ``text``; None if there is none."""
        found = self._by_name.get(_name({"function": text}))
        if found is not None:
            return found
        if text not in self._equal:
            from gondwana import activations

            if self._distinct is None:
                self._distinct = activations.Distinct()
                for entry in self.entries:
                    self._distinct.add(activations.parse(str(entry.of["function"])))
            equal = self._distinct.find(activations.parse(text))
            self._equal[text] = None if equal is None else self._by_name.get(_name({"function": equal}))
        return self._equal[text]

    def _difference(self, spec: Mapping[str, Any]) -> str | None:
        """Return in what a spec differs from what the table was made with, in words; None if in nothing."""
        ours: Json = {"initialization": self.common["initialization"], "task": _whole(self.common["task"])}
        theirs: Json = {"initialization": spec.get("initialization"), "task": _whole(spec["task"])}
        if self.kind == "functions":
            ours |= {"model": self.common["model"], "training": self.common["training"]}
            model = {name: value for name, value in spec["model"].items() if name != "activation"}
            theirs |= {"model": model, "training": spec["training"]}
        for name, expected in ours.items():
            if canonical_json(expected) != canonical_json(theirs[name]):
                return f"it was made with {name} {canonical_json(expected)}. Received: {canonical_json(theirs[name])}"
        return None


def read_table(path: Path) -> Table:
    """Read a table.

    Raises:
        TableError: if the file is missing, or is no table that this version can read.
    """
    try:
        with gzip.open(path, "rt", encoding="utf-8") as file:
            head, *rest = [json.loads(line) for line in file]
    except FileNotFoundError as error:
        raise TableError(
            f"{path}: there is no such table; give the path of a file as 'engine.table'"
        ) from error
    except (OSError, EOFError, zlib.error, ValueError) as error:
        raise TableError(f"{path}: not a table of {FORMAT}, or a damaged one: {error}") from error
    known = isinstance(head, dict) and head.get("format") == FORMAT and head.get("version") == VERSION
    if not known or head.get("kind") not in get_args(Kind):
        raise TableError(
            f"{path}: the first line of a table has format {FORMAT!r}, version {VERSION} and a kind of "
            f"{get_args(Kind)}. Received: {str(head)[:200]}"
        )
    entries = [Entry(line["of"], line["results"]) for line in rest]
    return Table(head["kind"], head["common"], entries, head["provenance"])


def write_table(path: Path, table: Table) -> None:
    """Write a table; equal tables make equal files."""
    head = {
        "format": FORMAT,
        "version": VERSION,
        "kind": table.kind,
        "provenance": dict(table.provenance),
        "common": dict(table.common),
    }
    lines = [head, *({"of": entry.of, "results": entry.results} for entry in table.entries)]
    text = "".join(json.dumps(line, ensure_ascii=False, separators=(",", ":")) + "\n" for line in lines)
    path.write_bytes(gzip.compress(text.encode(), compresslevel=9, mtime=0))


def _whole(task: Mapping[str, Any]) -> Json:
    """Return a task with the defaults of options that are not given."""
    from gondwana import tasks

    options = task.get("options", {})
    return {"name": task["name"], "options": dict(tasks.get(task["name"], **options).info.options)}


def _name(of: Mapping[str, Any]) -> str:
    return str(of["function"]) if "function" in of else canonical_json(of)


def _report(result: Mapping[str, Any], until_epoch: int | None) -> Report:
    state, fitness = State(result["state"]), result["fitness"]
    curve = tuple(result.get("curve", ()))
    if until_epoch is not None and state is State.COMPLETED:
        reached = [point for point in curve if point["epoch"] == until_epoch and "val_fitness" in point]
        if not reached:
            return Report.failure(
                State.INVALID, f"not in the table: no fitness after epoch {until_epoch} in its curve"
            )
        fitness, curve = reached[0]["val_fitness"], curve[: curve.index(reached[0]) + 1]
    return Report(
        state=state,
        fitness=None if state not in RESULTS else float(fitness),
        parameters=result.get("parameters"),
        seconds=result.get("seconds", {}),
        reason=result.get("reason"),
        curve=curve,
    )
