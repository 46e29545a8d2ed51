"""Two genomes lined up by their historical markings: which nodes correspond, and how far apart the genomes are.

Crossover mixes the genes of *homologous* nodes, and species are made of genomes that are near each other (Stanley and
Miikkulainen 2002).
"""

from __future__ import annotations

import math
from collections.abc import Mapping

from gondwana.nas.searches.codeepneat.genes.domains import Domain, Value, variable
from gondwana.nas.searches.codeepneat.genome.genome import Genome, Node
from gondwana.nas.searches.codeepneat.genome.space import Alphabet


def homologues(first: Genome, second: Genome) -> dict[str, tuple[Node, Node]]:
    """Return the pairs of nodes with equal markings and kinds, by marking, in the order of the first genome."""
    theirs = {node.marking: node for node in second.nodes}
    return {
        node.marking: (node, theirs[node.marking])
        for node in first.nodes
        if node.marking in theirs and theirs[node.marking].kind == node.kind
    }


def distance(first: Genome, second: Genome, alphabet: Alphabet) -> float:
    """Return how different two genomes are, from 0 (equal) to 1: the mean of two shares.

    - structure: nodes and connections that only one of them has, of all that either has;
    - hyperparameters: mean difference of the genes of homologous nodes and of the genome-level genes, each measured on
      its domain's own scale (0 or 1 for a choice).
    """
    pairs = homologues(first, second)
    common = len(pairs) + len(set(first.edges) & set(second.edges))
    markings = {node.marking for node in (*first.nodes, *second.nodes)}
    total = len(markings) + len(set(first.edges) | set(second.edges))
    genes = _differences(first.genes, second.genes, alphabet.genome)
    for one, two in pairs.values():
        genes += _differences(one.genes, two.genes, alphabet.nodes[one.kind])
    return ((total - common) / total + (math.fsum(genes) / len(genes) if genes else 0.0)) / 2


def _differences(
    first: Mapping[str, Value], second: Mapping[str, Value], domains: Mapping[str, Domain]
) -> list[float]:
    return [domain.distance(first[name], second[name]) for name, domain in variable(domains).items()]
