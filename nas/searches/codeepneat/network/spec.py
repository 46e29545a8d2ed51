"""From genomes to the spec of a network: the JSON object that a worker builds.

A spec holds what the network is and nothing of its history: nodes are numbered in topological order, ids, markings and
species are left behind, and so are genes that have no effect. Networks that are alike have equal specs, which is what
the duplicate cache compares.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gondwana.nas.candidate import Json
from gondwana.nas.searches.codeepneat.genes.domains import Value
from gondwana.nas.searches.codeepneat.genome.genome import INPUT_MARKING, OUTPUT_MARKING, Genome
from gondwana.nas.searches.codeepneat.genome.space import MERGE, MODEL_GENES, SPECIES, Space

KIND = "codeepneat"
INPUT, OUTPUT = "input", "output"
INITIALIZER = "kernel_initializer"


def model_spec(
    blueprint: Genome,
    modules: Mapping[int, Genome],
    space: Space,
    *,
    evolved_initialization: bool,
    share_weights: bool = False,
) -> Json:
    """Return the spec of the network that ``blueprint`` becomes with one module for each species.

    Args:
        blueprint: genome of the blueprint.
        modules: genome of the chosen module by species id, at least for the species that the blueprint points to.
        space: the search space that the genomes come from.
        evolved_initialization: whether the layers' initializer genes count; otherwise they are left out, because
            another strategy overrides them.
        share_weights: whether all instances of a module have the same weights.
    """
    order: list[int] = []
    for node in blueprint.inner:
        if (species := int(node.genes[SPECIES])) not in order:
            order.append(species)
    names = {species: f"module{number}" for number, species in enumerate(order, start=1)}
    nodes = {node.marking: f"node{number}" for number, node in enumerate(blueprint.inner, start=1)}
    entries = [
        {"name": nodes[node.marking], "module": names[int(node.genes[SPECIES])]}
        | _merge(blueprint, node.marking)
        for node in blueprint.inner
    ]
    graph = {"nodes": entries, "edges": _edges(blueprint, nodes)} | _merge(blueprint, OUTPUT_MARKING)
    return {
        "kind": KIND,
        "blueprint": graph,
        "modules": {names[s]: _module_spec(modules[s], space, evolved_initialization) for s in order},
        "readout": blueprint.genes.get("readout", "flatten"),
        "embedding_units": blueprint.genes.get("embedding_units", 64),
        "share_weights": share_weights,
    }


def training_recipe(training: Mapping[str, Any], blueprint: Genome) -> Json:
    """Return the training recipe of a network: ``training``, overridden by the blueprint's network-level genes.

    A gene named ``augmentation.rotation`` sets the field ``rotation`` of the recipe's ``augmentation``.
    """
    recipe = dict(training)
    for name, value in sorted(blueprint.genes.items()):
        if name not in MODEL_GENES:
            field, _, part = name.partition(".")
            recipe[field] = {**(recipe.get(field) or {}), part: value} if part else value
    return recipe


def _module_spec(module: Genome, space: Space, evolved_initialization: bool) -> Json:
    names: dict[str, str] = {}
    layers: list[Json] = []
    for node in module.inner:
        same = sum(layer["type"] == node.kind for layer in layers)
        names[node.marking] = f"{node.kind.lower()}{same + 1}"
        genes = space.with_defaults(node.kind, {n: v for n, v in node.genes.items() if n != MERGE})
        layers.append(
            {
                "name": names[node.marking],
                "type": node.kind,
                "genes": _effective(genes, evolved_initialization),
            }
            | _merge(module, node.marking)
        )
    return {"layers": layers, "edges": _edges(module, names)} | _merge(module, OUTPUT_MARKING)


def _effective(genes: dict[str, Value], evolved_initialization: bool) -> dict[str, Value]:
    if not evolved_initialization:
        genes.pop(INITIALIZER, None)
    if genes.get("kernel_regularizer") == "none":
        genes.pop("regularization", None)
    return dict(sorted(genes.items()))


def _merge(genome: Genome, marking: str) -> Json:
    return {MERGE: genome.node(marking).genes[MERGE]} if len(genome.sources(marking)) > 1 else {}


def _edges(genome: Genome, names: Mapping[str, str]) -> list[list[str]]:
    known = {INPUT_MARKING: INPUT, OUTPUT_MARKING: OUTPUT} | dict(names)
    return sorted([known[source], known[target]] for source, target in genome.edges)
