"""What a plan says: the signals around each call, and how each weight is to be drawn."""

from __future__ import annotations

import math
from dataclasses import dataclass

from gondwana.autoinit.draws import Distribution
from gondwana.autoinit.settings import Settings
from gondwana.autoinit.signals.signal import Signal


@dataclass(frozen=True, slots=True)
class PlannedCall:
    """One call of a layer or operation, and the signals around it.

    Attributes:
        name: of the layer, ``outer/inner`` inside nested models.
        kind: its class.
        inputs, outputs: a signal per tensor.
        weighted: whether weights are scaled here.
        gradient: mean square of the gradient at the first output, where it is 1 at the outputs of the model.
        simulated: whether the outputs were measured on seeded draws.
        kept: why the call keeps the weights that it has, empty where it does not or has none.
        held: the second moment before the activation that a layer with drawn weights is scaled to; nan for others.
    """

    name: str
    kind: str
    inputs: tuple[Signal, ...]
    outputs: tuple[Signal, ...]
    weighted: bool
    gradient: float = math.nan
    simulated: bool = False
    kept: str = ""
    held: float = math.nan


@dataclass(frozen=True, slots=True)
class PlannedWeight:
    """How one weight is to be drawn.

    Attributes:
        index: position in ``model.weights``; for PyTorch, among ``module.named_parameters()``.
        path: of the Keras variable, or of the parameter.
        shape: of it.
        deviation: standard deviation of its entries; the mean is 0.
        fan_in: number of inputs that one output entry sums; 0 for a bias, which becomes 0.
        order: axes in the order (taps..., inputs, outputs) in which they are drawn; empty if they have it already.
    """

    index: int
    path: str
    shape: tuple[int, ...]
    deviation: float
    fan_in: float
    order: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Plan:
    """Signals and scales of a model; printing it gives a table.

    Attributes:
        model: name of the model.
        calls: in the order of evaluation.
        weights: to be drawn.
        settings: what the plan was made with.
        distribution: to draw from.
    """

    model: str
    calls: tuple[PlannedCall, ...]
    weights: tuple[PlannedWeight, ...]
    settings: Settings
    distribution: Distribution

    @property
    def estimates(self) -> dict[str, tuple[float, float]]:
        """Mean and variance that leave each layer, by name; of the last call if there are several."""
        return {
            call.name: (call.outputs[0].mean, call.outputs[0].variance) for call in self.calls if call.outputs
        }

    def __str__(self) -> str:
        width = max([5, *(len(call.name) for call in self.calls)]) + 2
        lines = [f"{'layer':{width}}{'class':24}{'mean':>10}{'variance':>11}{'gradient':>11}   weights"]
        for call in self.calls:
            signal = call.outputs[0]
            drawn = "drawn" if self.settings.weights == "scaled" else "as it is"
            marks = [drawn if call.weighted else "", f"kept: {call.kept}" if call.kept else ""]
            mark = ", ".join([word for word in marks if word] + ["simulated"] * call.simulated)
            lines.append(
                f"{call.name:{width}}{call.kind:24}{signal.mean:10.4f}{signal.variance:11.4f}"
                f"{call.gradient:11.4g}   {mark}"
            )
        return "\n".join(line.rstrip() for line in lines)
