"""What a network is, in figures: for models that predict its fitness from those of other networks.

Everything is read from the spec and its plan, before anything is built: genes, the shape of the graphs, and what the
network costs. Figures are of the unfolded network, in which a module counts as often as the blueprint has it.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gondwana.nas.candidate import Json
from gondwana.nas.searches.codeepneat.genes.domains import Choice, Domain, Range
from gondwana.nas.searches.codeepneat.genome.space import MERGE, MODEL_GENES, Space
from gondwana.nas.searches.codeepneat.network.plan import plan_network
from gondwana.nas.searches.codeepneat.network.spec import INPUT, OUTPUT
from gondwana.tasks.base import TaskInfo

Array = NDArray[Any]
ABSENT = -1.0
"""Figure of a gene that no layer of the network has."""

SHAPE = (
    *("layers", "depth", "modules used", "different modules", "blueprint edges", "blueprint branches"),
    *("largest module", "module edges", "module branches", "log parameters", "log multiply-adds"),
)
"""Names of the figures that do not depend on the search space."""


class NetworkFeatures:
    """Turns specs of one space into figures.

    Args:
        space: the search space.
        info: facts of the task.
    """

    def __init__(self, space: Space, info: TaskInfo) -> None:
        self._info = info
        self._kinds = space.layer_names
        self._genes: dict[str, Domain] = {}
        for kind in space.layer_names:
            self._genes |= space.domains(kind)
        self._genes[MERGE] = Choice(values=space.merges)
        self._network = dict(space.network)
        names = [*SHAPE, *(f"number of {kind}" for kind in self._kinds)]
        for gene, domain in self._genes.items():
            names += _columns(f"layers' {gene}", domain, ("mean", "least", "most"))
        for gene, domain in self._network.items():
            names += _columns(f"network's {gene}", domain, ("value",))
        self.names: tuple[str, ...] = tuple(names)
        """Names of the columns."""

    def __call__(self, model: Json, training: Mapping[str, Any]) -> Array:
        """Return the figures of a network, shape (len(:attr:`names`),).

        Args:
            model: spec of the network.
            training: its training recipe.
        """
        blueprint, modules = model["blueprint"], model["modules"]
        used = Counter(node["module"] for node in blueprint["nodes"])
        kinds: Counter[str] = Counter()
        values: dict[str, list[tuple[Any, int]]] = {gene: [] for gene in self._genes}
        for name, times in used.items():
            for layer in modules[name]["layers"]:
                kinds[layer["type"]] += times
                for gene, value in ({**layer["genes"], **_merge(layer)}).items():
                    if gene in values:
                        values[gene].append((value, times))
        for node in blueprint["nodes"]:
            values[MERGE] += [(value, 1) for value in _merge(node).values()]
        row = [*self._shape(model, used, kinds), *(float(kinds[kind]) for kind in self._kinds)]
        for gene, domain in self._genes.items():
            row += _figures(domain, values[gene], 3)
        for gene, domain in self._network.items():
            row += _figures(domain, [(_network_gene(gene, model, training), 1)], 1)
        return np.array(row)

    def _shape(self, model: Json, used: Counter[str], kinds: Counter[str]) -> list[float]:
        blueprint, modules = model["blueprint"], model["modules"]
        depths = {name: _depth(module["layers"], module["edges"], {}) for name, module in modules.items()}
        lengths = {node["name"]: depths[node["module"]] for node in blueprint["nodes"]}
        plan = plan_network(model, self._info)
        present = [modules[name] for name in used]
        return [
            float(kinds.total()),
            _depth(blueprint["nodes"], blueprint["edges"], lengths),
            float(len(blueprint["nodes"])),
            float(len(used)),
            float(len(blueprint["edges"])),
            float(len(blueprint["edges"]) - len(blueprint["nodes"]) - 1),
            float(max(len(module["layers"]) for module in present)),
            float(sum(len(module["edges"]) for module in present)),
            float(sum(len(module["edges"]) - len(module["layers"]) - 1 for module in present)),
            math.log1p(plan.parameters),
            math.log1p(plan.multiply_adds),
        ]


def _columns(title: str, domain: Domain, figures: Sequence[str]) -> list[str]:
    if isinstance(domain, Range):
        return [f"{title}: {figure}" for figure in figures]
    if isinstance(domain, Choice):
        return [f"{title} is {value}" for value in domain.values]
    return []  # functions that evolve have no figures of their own yet


def _figures(domain: Domain, values: Sequence[tuple[Any, int]], count: int) -> list[float]:
    """Return the figures of a gene, from its values and how often each occurs."""
    total = sum(times for _, times in values)
    if isinstance(domain, Choice):
        shares = Counter[Any]()
        for value, times in values:
            shares[value] += times
        return [shares[value] / total if total else ABSENT for value in domain.values]
    if not isinstance(domain, Range):
        return []
    if not total:
        return [ABSENT] * count
    scaled = [(domain.unit(value), times) for value, times in values]
    mean = math.fsum(value * times for value, times in scaled) / total
    least, most = min(value for value, _ in scaled), max(value for value, _ in scaled)
    return [mean, least, most][:count]


def _merge(node: Mapping[str, Any]) -> Json:
    return {MERGE: node[MERGE]} if MERGE in node else {}


def _network_gene(gene: str, model: Json, training: Mapping[str, Any]) -> Any:
    if gene in MODEL_GENES:
        return model[gene]
    name, _, part = gene.partition(".")
    return training[name][part] if part else training[name]


def _depth(nodes: Iterable[Mapping[str, Any]], edges: Sequence[Sequence[str]], lengths: Json) -> float:
    """Return the length of the longest path from input to output, each node as long as ``lengths`` says, or 1."""
    sources: dict[str, list[str]] = {}
    for source, target in edges:
        sources.setdefault(target, []).append(source)
    known: dict[str, float] = {INPUT: 0.0}
    todo = [OUTPUT]
    while todo:
        name = todo[-1]
        missing = [each for each in sources.get(name, ()) if each not in known]
        if missing:
            todo += missing
            continue
        todo.pop()
        own = 0.0 if name == OUTPUT else float(lengths.get(name, 1.0))
        known[name] = own + max((known[each] for each in sources.get(name, ())), default=0.0)
    return known[OUTPUT]
