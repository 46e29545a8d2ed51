"""From the spec of a network to a Keras model.

Rules (docs/codeepneat.md gives the reasons): inputs that meet are pooled to the smallest map among them (pool = stride
= ratio) and, where the merge needs equal widths, projected linearly to the widest; a layer that does not fit, such as a
pooling of a map of 1 x 1, is left out; every instance of a module has weights of its own unless ``share_weights``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import keras

from gondwana.nas.randomness import stream
from gondwana.nas.searches.codeepneat.layers.registry import MergeType, find
from gondwana.nas.searches.codeepneat.network.plan import plan_network
from gondwana.nas.searches.codeepneat.network.stem_and_heads import PARTS
from gondwana.nas.searches.codeepneat.network.steps import Step
from gondwana.tasks.base import TaskInfo

MODEL_NAME = "codeepneat"


def build(model_spec: Mapping[str, Any], info: TaskInfo, seed: int) -> keras.Model:
    """Return the functional model that a spec describes.

    Layers are named after their place (``node1_module2_conv2d1``), output layers after the task's heads. Every layer
    that draws something has a seed of its own, which follows from ``seed`` and its name.

    Args:
        model_spec: JSON object with ``kind`` ``codeepneat``, see docs/codeepneat.md.
        info: the task.
        seed: at least 0; equal arguments give equal weights.

    Raises:
        gondwana.nas.searches.codeepneat.network.steps.SpecError: if the spec does not describe a network for the task.
        UnknownLayerError: if it names an unknown layer type.
    """
    plan = plan_network(model_spec, info)
    layers: dict[str, keras.layers.Layer] = {}
    tensors: dict[str, Any] = {}
    for step in plan.steps:
        if step.kind == "Input":
            tensors[step.name] = keras.Input(step.shape, dtype=step.genes["dtype"], name=step.name)
            continue
        if step.layer not in layers:
            layers[step.layer] = _layer(step, layer_seed(seed, step.layer))
        inputs = [tensors[name] for name in step.inputs]
        tensors[step.name] = layers[step.layer](inputs if len(inputs) > 1 else inputs[0])
    outputs = [tensors[name] for name in plan.outputs]
    return keras.Model(tensors["input"], outputs if len(outputs) > 1 else outputs[0], name=MODEL_NAME)


def parameter_count(model_spec: Mapping[str, Any], info: TaskInfo) -> int:
    """Return ``build(...).count_params()`` without building anything.

    Raises:
        SpecError, UnknownLayerError: as :func:`build`.
    """
    return plan_network(model_spec, info).parameters


def layer_seed(seed: int, name: str) -> int:
    """Return the seed (0 .. 2**31-1) of the layer of that name."""
    return int(stream(seed, "layer", name).integers(2**31))


def _layer(step: Step, seed: int) -> keras.layers.Layer:
    if step.kind in PARTS:
        return PARTS[step.kind](step, seed)
    record = find(step.kind)
    if isinstance(record, MergeType):
        return record.make(step.name)
    return record.make(step.genes, step.name, seed)
