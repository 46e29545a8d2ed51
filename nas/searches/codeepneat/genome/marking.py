"""Historical markings: names of structural changes that tell where and when they happened.

In NEAT (Stanley and Miikkulainen 2002) a counter numbers structural changes, and a table of the generation's changes
gives equal changes the same number. Here the marking is computed from the change itself, so there is no table to keep,
to checkpoint or to get out of step: the same node on the same connection in the same generation has the same marking,
whoever makes it and in whatever order, and no other has.
"""

from __future__ import annotations

import hashlib
from collections.abc import Container

from gondwana.nas.searches.codeepneat.genome.genome import Edge


def marking(generation: int, edge: Edge, kind: str, present: Container[str]) -> str:
    """Return the marking of a node of ``kind`` that splits ``edge`` in ``generation``.

    Args:
        generation: generation in which the change happens; 0 for the initial genomes.
        edge: the connection that is split.
        kind: kind of the new node.
        present: markings of the genome. A genome may get back a connection that was split before; splitting it again
            in the same way is then a second change, with a marking of its own.
    """
    ordinal = 0
    while True:
        text = "\x1f".join((str(generation), *edge, kind, str(ordinal)))
        name = f"{generation}.{hashlib.sha256(text.encode()).hexdigest()[:12]}"
        if name not in present:
            return name
        ordinal += 1
