"""How steep the activation behind each weight is, for scales that look at the gradient."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from gondwana.autoinit.errors import AutoInitError
from gondwana.autoinit.frontends.torch.graph import Graph, Step
from gondwana.autoinit.propagation.paper import PaperCalculus
from gondwana.autoinit.settings import Settings
from gondwana.autoinit.signals.law import WEIGHTS, Z
from gondwana.autoinit.torch.calls import Call
from gondwana.autoinit.torch.rules.functions import UNARY, function_of

_STEP = 1e-4


def slopes_after(
    graph: Graph, steps: Sequence[Step], settings: Settings, constants: Mapping[int, Any]
) -> dict[int, float]:
    """Return E[f'(x)^2], x of the wanted variance, for each tensor that a function f alone takes, by number."""
    consumers: dict[int, list[Step]] = defaultdict(list)
    for step in steps:
        for index in step.inputs:
            consumers[index].append(step)
    x = math.sqrt(settings.signal_variance) * Z
    found = {}
    for index, following in consumers.items():
        if len(following) != 1 or following[0].kind.removeprefix("aten.") not in UNARY:
            continue
        call = Call(following[0], graph, settings, PaperCalculus(), constants)
        try:
            function = function_of(call)
        except AutoInitError:
            continue
        slope = (function(x + _STEP) - function(x - _STEP)) / (2 * _STEP)
        gain = float(WEIGHTS @ np.square(slope))
        found[index] = gain if math.isfinite(gain) else 1.0
    return found
