"""A network of the user's own, saved by Keras: every layer as it was saved, every weight drawn anew."""

from __future__ import annotations

import json
from typing import Any

import keras

from gondwana.tasks.architectures.registry import Activation, Seeds, one_or_all, register
from gondwana.tasks.base import Head, TaskInfo

NAME = "saved_model"


@register(NAME)
def saved_model(info: TaskInfo, *, activation: Activation, seeds: Seeds, config: str = "") -> keras.Model:
    """Return the network that a ``.keras`` file describes, without its weights.

    A network whose output has no activation function gets that of the task's head, since losses are computed from
    probabilities here. The file is read in Keras' safe mode: code in it is refused.

    Args:
        info: the task, whose examples and heads the network must fit.
        activation: not used: the network has its own activation functions.
        seeds: replace those of the file, or the random ones that stand for none: of initializers, dropout and noise.
        config: ``config.json`` of the file, JSON text; in a config file, ``file: my_net.keras`` stands for it.

    Raises:
        ValueError: if the network cannot be built, or does not fit the task.
    """
    model = _built(config, seeds)
    _check_input(model, info)
    outputs = list(model.outputs)
    heads = _heads(model, info)
    shapes = [tuple(output.shape[1:]) for output in outputs]
    if shapes != [(head.units,) for head in heads]:
        raise ValueError(
            f"the network gives {_words(shapes)} for an example, but task {info.name!r} needs "
            f"{_words([(head.units,) for head in heads])}: change its last layer"
        )
    completed = [
        _completed(model, i, output, head)
        for i, (output, head) in enumerate(zip(outputs, heads, strict=True))
    ]
    return keras.Model(model.inputs[0], one_or_all(completed), name=model.name)


def _built(config: str, seeds: Seeds) -> keras.Model:
    if not config:
        raise ValueError(f"architecture {NAME!r} needs option 'file', a model saved by Keras (my_net.keras)")
    try:
        described = json.loads(config)
        described.pop("compile_config", None)
        model = keras.saving.deserialize_keras_object(_seeded(described, seeds), safe_mode=True)
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        first = next(iter(str(error).splitlines()), type(error).__name__)
        raise ValueError(f"the saved network cannot be built: {first[:300]}") from error
    if not isinstance(model, keras.Model) or not getattr(model, "inputs", None):
        raise ValueError(
            "the saved network is no functional or sequential model with a known input; build it with keras.Input"
        )
    if isinstance(model, keras.Sequential):  # which has no names of outputs
        return keras.Model(model.inputs, one_or_all(list(model.outputs)), name=model.name)
    return model


def _seeded(value: Any, seeds: Seeds) -> Any:
    """Return serialized objects with a seed wherever they have one, so that nothing depends on a global stream."""
    if isinstance(value, dict):
        return {key: seeds() if key == "seed" else _seeded(inner, seeds) for key, inner in value.items()}
    return [_seeded(inner, seeds) for inner in value] if isinstance(value, list) else value


def _check_input(model: keras.Model, info: TaskInfo) -> None:
    shapes = [tuple(item.shape[1:]) for item in model.inputs]
    fits = len(shapes) == 1 and len(shapes[0]) == len(info.input_shape)
    if not fits or any(a not in (None, b) for a, b in zip(shapes[0], info.input_shape, strict=True)):
        raise ValueError(
            f"the network takes {_words(shapes)}, but an example of task {info.name!r} has shape {info.input_shape}"
        )


def _heads(model: keras.Model, info: TaskInfo) -> list[Head]:
    """Return the head of each output, by name where there are several."""
    if len(model.outputs) == len(info.heads) == 1:
        return list(info.heads)
    by_name = {head.name: head for head in info.heads}
    if sorted(model.output_names) != sorted(by_name):
        raise ValueError(
            f"the outputs of the network must be called as the heads of task {info.name!r}: "
            f"{', '.join(sorted(by_name))}. Received: {', '.join(sorted(model.output_names))}"
        )
    return [by_name[name] for name in model.output_names]


def _completed(model: keras.Model, index: int, output: Any, head: Head) -> Any:
    """Return the output, with the head's activation function if its layer has the identity as its own."""
    last = (
        model.get_layer(model.output_names[index])
        if model.output_names[index] in _layer_names(model)
        else None
    )
    own = getattr(last, "activation", None)
    if own is keras.activations.linear and head.activation != "linear":
        return keras.layers.Activation(head.activation, dtype="float32", name=f"{head.name}_activation")(
            output
        )
    return output


def _layer_names(model: keras.Model) -> set[str]:
    return {layer.name for layer in model.layers}


def _words(shapes: list[tuple[int | None, ...]]) -> str:
    return ", ".join("(" + ", ".join("any" if n is None else str(n) for n in shape) + ")" for shape in shapes)
