"""From a spec to a plan, for a given task.

Every instance of a module is unfolded where the blueprint has it. What a spec may lack or get wrong is told by
:class:`~gondwana.nas.searches.codeepneat.network.steps.SpecError`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from gondwana.nas.searches.codeepneat.genome.genome import (
    Edge,
    GenomeError,
    topological_order,
    useful_nodes,
)
from gondwana.nas.searches.codeepneat.genome.space import MERGE, READOUTS
from gondwana.nas.searches.codeepneat.network.spec import INPUT, KIND, OUTPUT
from gondwana.nas.searches.codeepneat.network.steps import Plan, Planner, SpecError
from gondwana.tasks.base import TaskInfo


def plan_network(model_spec: Mapping[str, Any], info: TaskInfo) -> Plan:
    """Return the plan of the network that ``model_spec`` describes.

    Args:
        model_spec: JSON object as made by :func:`gondwana.nas.searches.codeepneat.network.spec.model_spec`.
        info: what goes in and what comes out.

    Raises:
        SpecError: if the spec is incomplete, has a cycle or a dead end, or does not fit the task.
        gondwana.nas.searches.codeepneat.layers.registry.UnknownLayerError: if it names an unknown layer type.
    """
    try:
        return _plan(model_spec, info)
    except KeyError as error:
        raise SpecError(f"the spec of the network lacks the key {error}") from error


def _plan(model_spec: Mapping[str, Any], info: TaskInfo) -> Plan:
    if model_spec["kind"] != KIND:
        raise SpecError(f"the spec of a network needs kind {KIND!r}. Received: {model_spec['kind']!r}")
    planner = Planner(share_weights=bool(model_spec.get("share_weights", False)))
    source = _stem(planner, model_spec, info)
    blueprint, modules = model_spec["blueprint"], model_spec["modules"]
    nodes = {node["name"]: node for node in blueprint["nodes"]}
    tensors = {INPUT: source}
    for name, sources in _order(nodes, blueprint["edges"], "the blueprint"):
        if name == OUTPUT:
            tensors[name] = planner.merge(OUTPUT, blueprint.get(MERGE), [tensors[s] for s in sources])
            continue
        entry = planner.merge(name, nodes[name].get(MERGE), [tensors[s] for s in sources])
        module = nodes[name]["module"]
        tensors[name] = _module(planner, name, module, modules[module], entry)
    vector = _readout(planner, model_spec.get("readout", "flatten"), tensors[OUTPUT])
    outputs = _heads(planner, vector, info)
    return Plan(tuple(planner.steps), outputs)


def _stem(planner: Planner, model_spec: Mapping[str, Any], info: TaskInfo) -> str:
    """Add the input and, for token ids, the embedding."""
    planner.part(INPUT, "Input", [], info.input_shape, 0, dtype=info.input_dtype)
    if info.vocabulary is None:
        return INPUT
    units = int(model_spec["embedding_units"])
    shape = (*info.input_shape, units)
    genes = {"vocabulary": info.vocabulary, "units": units}
    return planner.part("embedding", "Embedding", [INPUT], shape, info.vocabulary * units, **genes)


def _module(planner: Planner, node: str, module: str, spec: Mapping[str, Any], entry: str) -> str:
    """Add the layers of one instance of a module; return its output."""
    layers = {layer["name"]: layer for layer in spec["layers"]}
    tensors = {INPUT: entry}
    for name, sources in _order(layers, spec["edges"], f"{module!r}"):
        prefix = f"{node}_{module}_{name}"
        inputs = [tensors[source] for source in sources]
        if name == OUTPUT:
            tensors[name] = planner.merge(prefix, spec.get(MERGE), inputs)
            continue
        layer = layers[name]
        joined = planner.merge(prefix, layer.get(MERGE), inputs)
        tensors[name] = planner.layer(prefix, layer["type"], layer["genes"], joined, (module, name))
    return tensors[OUTPUT]


def _readout(planner: Planner, readout: str, source: str) -> str:
    """Turn the last map into a vector."""
    *sizes, width = planner.shapes[source]
    if not sizes:
        return source
    if readout not in READOUTS:
        raise SpecError(f"'readout' is one of {list(READOUTS)}. Received: {readout!r}")
    if readout == "flatten":
        return planner.part("readout", "Flatten", [source], (math.prod(sizes) * width,), 0)
    kind = "GlobalAverage" if readout == "average" else "GlobalMaximum"
    return planner.part("readout", kind, [source], (width,), 0, rank=1 + len(sizes))


def _heads(planner: Planner, vector: str, info: TaskInfo) -> tuple[str, ...]:
    (width,) = planner.shapes[vector]
    return tuple(
        planner.part(
            head.name, "Head", [vector], (head.units,), (width + 1) * head.units, activation=head.activation
        )
        for head in info.heads
    )


def _order(
    names: Mapping[str, Any], edges: Sequence[Sequence[str]], where: str
) -> list[tuple[str, list[str]]]:
    """Return every node with its sources, sources first, the output last."""
    pairs: list[Edge] = [(source, target) for source, target in edges]
    try:
        order = topological_order([*names, OUTPUT], pairs)
    except GenomeError as error:
        raise SpecError(f"the graph of {where}: {error}") from error
    if useless := sorted({*names, OUTPUT} - useful_nodes(pairs)):
        raise SpecError(f"the graph of {where}: {useless[0]!r} lies on no path from the input to the output")
    return [(name, [source for source, target in pairs if target == name]) for name in order]
