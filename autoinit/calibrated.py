"""What a calibration found, layer by layer."""

from __future__ import annotations

from dataclasses import dataclass

from gondwana.autoinit.planned import Plan


@dataclass(frozen=True, slots=True)
class CalibratedLayer:
    """What one forward pass has shown of a layer whose weights were drawn.

    Attributes:
        name: of the layer, ``outer/inner`` inside nested models.
        kind: its class.
        predicted: second moment of its output before the activation, as planned.
        measured: the same, as the pass found it.
        corrected: the same after the weights were rescaled; ``measured`` where they were not.
    """

    name: str
    kind: str
    predicted: float
    measured: float
    corrected: float


@dataclass(frozen=True, slots=True)
class Calibration:
    """What ``calibrate`` did; printing it gives a table.

    Attributes:
        plan: that was drawn.
        layers: one row per layer with drawn weights, in the order of evaluation; of a shared layer, its first call.
    """

    plan: Plan
    layers: tuple[CalibratedLayer, ...]

    def __str__(self) -> str:
        width = max([5, *(len(row.name) for row in self.layers)]) + 2
        lines = [f"{'layer':{width}}{'class':24}{'predicted':>10}{'measured':>10}{'corrected':>11}"]
        for row in self.layers:
            after = "" if row.corrected == row.measured else f"{row.corrected:11.4f}"
            lines.append(f"{row.name:{width}}{row.kind:24}{row.predicted:10.4f}{row.measured:10.4f}{after}")
        return "\n".join(line.rstrip() for line in lines)
