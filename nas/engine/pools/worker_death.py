"""What happens when a worker dies: its job is begun anew until it has cost too many workers.

A worker that dies may have been killed by its candidate (a crash in C code, memory) or by its surroundings (a node that
left the cluster). The first is charged to the candidate, the second is not, unless it happens again and again.
"""

from __future__ import annotations

from dataclasses import dataclass

NODE_LOSSES = 20
"""A candidate whose node disappears is innocent and is begun anew without being charged, but not for ever."""


@dataclass(slots=True)
class Deaths:
    """How many workers have died under one job.

    Attributes:
        charged: deaths that count against the job.
        lost_nodes: deaths that came with the loss of a whole node.
    """

    charged: int = 0
    lost_nodes: int = 0

    def count(self, *, node_lost: bool, max_retries: int) -> bool:
        """Count one more death; return whether the job is begun anew.

        Args:
            node_lost: whether the whole node is gone, and not the process alone.
            max_retries: number of charged deaths after which a job is still begun anew.
        """
        if node_lost and self.lost_nodes < NODE_LOSSES:
            self.lost_nodes += 1
        else:
            self.charged += 1
        return self.charged <= max_retries
