"""The search space as data: which layers, which hyperparameters, which values.

``space:`` in a config becomes a :class:`Space`; an :class:`Alphabet` is what the operators of evolution read from it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Self, TypeAlias

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from gondwana.nas.plugins import load_plugins
from gondwana.nas.searches.codeepneat.genes.domains import Choice, Domain, Value
from gondwana.nas.searches.codeepneat.layers import (  # noqa: F401  registers the layer types
    builtin as _builtin_layers,
)
from gondwana.nas.searches.codeepneat.layers.registry import LayerType, MergeType, find, layer_type

OUTPUT = "output"
"""Kind of the node that joins the last layers of a module, or the last modules of a network."""

MODULE = "module"
"""Kind of the other nodes of a blueprint."""

MERGE = "merge"
"""Gene of every node: how it joins its inputs when there are several."""

SPECIES = "species"
"""Gene of a blueprint's node: the module species that it points to."""

READOUTS = ("flatten", "average", "maximum")
MODEL_GENES = ("readout", "embedding_units")
"""Network-level genes that shape the model; all others go to the training recipe."""


@dataclass(frozen=True)
class Alphabet:
    """What the genomes of one population may contain.

    Attributes:
        nodes: domains of the genes of a node, by its kind, :data:`OUTPUT` among them.
        kinds: kinds that a new node may have.
        first: kinds that the first node of an initial genome may have.
        genome: domains of genes that a genome has once, such as the learning rate of a blueprint.
        max_nodes: a genome with that many nodes (the output not counted) gets no further ones.
    """

    nodes: Mapping[str, Mapping[str, Domain]]
    kinds: tuple[str, ...]
    first: tuple[str, ...]
    genome: Mapping[str, Domain]
    max_nodes: int


def _layers_from_yaml(data: Any) -> Any:
    """Turn a list of names into a mapping from names to no changes."""
    if isinstance(data, Sequence) and not isinstance(data, str):
        if len(set(map(str, data))) != len(data):
            raise ValueError(f"each layer type may be listed once. Received: {list(data)}")
        return {name: {} for name in data}
    if isinstance(data, Mapping):
        return {name: changes or {} for name, changes in data.items()}
    return data


_Written: TypeAlias = list[str] | dict[str, dict[str, Domain] | None]
Layers = Annotated[
    dict[str, dict[str, Domain]],
    BeforeValidator(_layers_from_yaml, json_schema_input_type=_Written),
    Field(min_length=1),
]


class Space(BaseModel):
    """What networks may be made of.

    Attributes:
        modules: Python modules to import first, which register layer types of the user's own.
        layers: names of layer and merge types, as in the "Neural Network Layers" rows of the paper's Table 1; or a
            mapping from names to domains that hold for that type only.
        genes: domains of the layers' hyperparameters, by name, for all types that have such a hyperparameter.
        network: domains of what a network has once: ``readout`` (how the last map becomes a vector: ``flatten``,
            ``average`` or ``maximum``), ``embedding_units`` (for token ids), and fields of the training recipe such as
            ``learning_rate`` or ``augmentation.rotation``.
        max_layers: largest number of layers of a module.
        max_nodes: largest number of modules of a network.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    modules: tuple[str, ...] = ()
    layers: Layers
    genes: dict[str, Domain] = Field(default_factory=dict)
    network: dict[str, Domain] = Field(default_factory=dict)
    max_layers: Annotated[int, Field(ge=1)] = 10
    max_nodes: Annotated[int, Field(ge=1)] = 16

    @model_validator(mode="after")
    def _check_names(self) -> Self:
        load_plugins(self.modules)
        records = [find(name) for name in self.layers]
        if not any(isinstance(record, LayerType) and record.weighted for record in records):
            raise ValueError(f"'layers' needs at least one type with weights. Received: {list(self.layers)}")
        self._check_genes(records)
        readout = self.network.get("readout")
        if readout is not None and not (isinstance(readout, Choice) and set(readout.values) <= set(READOUTS)):
            raise ValueError(f"'network.readout' must be a list of some of {list(READOUTS)}")
        return self

    def _check_genes(self, records: Sequence[LayerType | MergeType]) -> None:
        """Refuse a domain that nothing uses, and a gene that has no domain."""
        used: set[str] = set()
        for record in records:
            wanted = set(record.genes) if isinstance(record, LayerType) else set()
            given = self.layers[record.name]
            if extra := sorted(set(given) - wanted):
                raise ValueError(f"{record.name} has no hyperparameter {extra[0]!r}; it has {sorted(wanted)}")
            optional = set(record.defaults or {}) if isinstance(record, LayerType) else set()
            if missing := sorted(wanted - set(given) - set(self.genes) - optional):
                raise ValueError(f"{record.name} needs a domain for {missing[0]!r}: add it to 'genes'")
            used |= wanted
        if unused := sorted(set(self.genes) - used):
            raise ValueError(
                f"no layer in 'layers' has the hyperparameter {unused[0]!r} that 'genes' gives a domain"
            )

    @property
    def merges(self) -> tuple[str, ...]:
        """Names of the ways to join several inputs; ``Add`` if the config lists none."""
        return tuple(name for name in self.layers if isinstance(find(name), MergeType)) or ("Add",)

    @property
    def layer_names(self) -> tuple[str, ...]:
        """Names of the layer types, in the config's order."""
        return tuple(name for name in self.layers if isinstance(find(name), LayerType))

    def domains(self, name: str) -> dict[str, Domain]:
        """Return the domains of the evolving genes of layer type ``name``."""
        domains = {**self.genes, **self.layers[name]}
        return {gene: domains[gene] for gene in layer_type(name).genes if gene in domains}

    def module_alphabet(self) -> Alphabet:
        """Return what modules may contain."""
        merge: dict[str, Domain] = {MERGE: Choice(values=self.merges)}
        nodes = {name: self.domains(name) | merge for name in self.layer_names}
        first = tuple(name for name in self.layer_names if layer_type(name).weighted)
        return Alphabet(nodes | {OUTPUT: merge}, self.layer_names, first, {}, self.max_layers)

    def blueprint_alphabet(self, species: Sequence[int]) -> Alphabet:
        """Return what blueprints may contain while ``species`` are the module species alive."""
        merge: dict[str, Domain] = {MERGE: Choice(values=self.merges)}
        pointer: dict[str, Domain] = {SPECIES: Choice(values=tuple(species))}
        nodes = {MODULE: pointer | merge, OUTPUT: merge}
        return Alphabet(nodes, (MODULE,), (MODULE,), self.network, self.max_nodes)

    def with_defaults(self, kind: str, genes: Mapping[str, Value]) -> dict[str, Value]:
        """Return the genes of a layer, with the type's defaults for those that do not evolve."""
        return dict(layer_type(kind).defaults or {}) | dict(genes)
