"""Genomes under mutation and crossover, by the ten thousand: ``python benchmarks/codeepneat/properties.py``."""

from __future__ import annotations

import argparse
import copy
import sys
import time
from collections import Counter
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from gondwana.nas.searches.codeepneat.evolution.crossover import crossover
from gondwana.nas.searches.codeepneat.evolution.mutation import mutate
from gondwana.nas.searches.codeepneat.evolution.speciation import HIGHEST, LOWEST, Speciation, speciate
from gondwana.nas.searches.codeepneat.genome.genome import (
    INPUT_MARKING,
    Genome,
    topological_order,
    useful_nodes,
)
from gondwana.nas.searches.codeepneat.genome.space import Alphabet
from gondwana.nas.searches.codeepneat.network.plan import plan_network
from gondwana.nas.searches.codeepneat.network.spec import model_spec
from tests.helpers.codeepneat import EAGER, TASKS, alphabets, random_genome, space


def is_valid(genome: Genome, alphabet: Alphabet) -> bool:
    """Return whether a genome is acyclic, without dead ends, within its size, and in its alphabet."""
    return (
        tuple(node.marking for node in genome.nodes) == topological_order(genome.markings, genome.edges)
        and useful_nodes(genome.edges) == {INPUT_MARKING, *genome.markings}
        and len(genome.inner) <= alphabet.max_nodes
        and all(
            alphabet.nodes[node.kind][name].contains(value)
            for node in genome.nodes
            for name, value in node.genes.items()
        )
    )


def check_chains(count: int) -> Counter[str]:
    """Check ``count`` genomes and a crossover and a mutation of each; return how many violate what."""
    violations: Counter[str] = Counter(genomes=0, invalid=0, unequal=0, touched=0, clones=0, mixable=0)
    names = sorted(TASKS)
    for number in range(count):
        alphabet = alphabets(names[number % len(names)])[("modules", "blueprints")[number % 2]]
        first, second = (
            random_genome(alphabet, np.random.default_rng([number, i]), 1 + number % 16) for i in (0, 1)
        )
        repeated = random_genome(alphabet, np.random.default_rng([number, 0]), 1 + number % 16)
        before = copy.deepcopy((first.to_json(), second.to_json()))
        child = crossover(first, second, np.random.default_rng(number), max_nodes=alphabet.max_nodes)
        mutant, _ = mutate(first, alphabet, EAGER, 99, np.random.default_rng(number))
        differing = sum(
            node.genes[name] != second.node(node.marking).genes[name]
            for node in first.nodes
            if node.marking in second.markings
            for name in node.genes
        )
        violations["genomes"] += 1
        violations["invalid"] += not all(
            is_valid(genome, alphabet) for genome in (first, second, child, mutant)
        )
        violations["unequal"] += first != repeated
        violations["touched"] += (first.to_json(), second.to_json()) != before
        violations["mixable"] += differing >= 6
        violations["clones"] += differing >= 6 and child == first
    return violations


def check_networks(count: int) -> int:
    """Return how many of ``count`` networks of random genomes cannot be planned."""
    bad, names = 0, sorted(TASKS)
    for number in range(count):
        name = names[number % len(names)]
        rng = np.random.default_rng([7, number])
        both = alphabets(name)
        modules = {species: random_genome(both["modules"], rng, 6) for species in (0, 3, 7)}
        blueprint = random_genome(both["blueprints"], rng, 6)
        spec = model_spec(blueprint, modules, space(name), evolved_initialization=True)
        try:
            bad += plan_network(spec, TASKS[name]).parameters <= 0
        except ValueError as error:
            print(f"network {number}: {error}")
            bad += 1
    return bad


def check_species(populations: int) -> tuple[int, int]:
    """Return in how many of how many cases the wanted number of species was not reached, from below and from above."""
    alphabet, missed, cases = alphabets()["modules"], 0, 0
    for number in range(populations):
        rng = np.random.default_rng([5, number])
        genomes = [random_genome(alphabet, rng, int(rng.integers(1, 8))) for _ in range(56)]
        for start in (LOWEST, HIGHEST):
            for wanted in (1, 2, 4, 8):
                found = speciate(genomes, Speciation(threshold=start), alphabet, wanted)
                missed += len(found.members) != wanted
                cases += 1
    return missed, cases


def main() -> int:
    """Run all checks and print a table; 1 if a target is missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--genomes", type=int, default=10_000)
    count = parser.parse_args().genomes
    start = time.monotonic()
    found = check_chains(count)
    unplanned = check_networks(count // 4)
    missed, cases = check_species(count // 500)
    rows = [
        (f"invalid of {found['genomes']} chains", found["invalid"], found["invalid"] == 0),
        ("chains that differ with equal seeds", found["unequal"], found["unequal"] == 0),
        ("parents touched", found["touched"], found["touched"] == 0),
        (
            f"clones among {found['mixable']} crossovers of parents with 6 or more differing genes",
            found["clones"],
            found["clones"] < 0.03 * found["mixable"],
        ),
        (f"networks without a plan, of {count // 4}", unplanned, unplanned == 0),
        (f"wanted number of species missed, of {cases}", missed, missed == 0),
    ]
    for what, value, met in rows:
        print(f"{what:<80} {value:>6}  {'met' if met else 'MISSED'}")
    print(f"{time.monotonic() - start:.0f} s")
    return 0 if all(met for _, _, met in rows) else 1


if __name__ == "__main__":
    raise SystemExit(main())
