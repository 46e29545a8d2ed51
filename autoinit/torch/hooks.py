"""The plan of a module that ``torch.export`` cannot read: one pass with hooks on its leaf modules, in call order.

Each leaf with a weight is scaled for the signal that reaches it in the pass, drawn at once, and the pass goes on with
what it puts out. Afterwards every parameter and buffer has its former value.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch

from gondwana.autoinit.draws import draw, generator
from gondwana.autoinit.errors import AutoInitError, ModelError
from gondwana.autoinit.frontends.torch.graph import Weight, example_tensors
from gondwana.autoinit.frontends.torch.modes import as_trained, first_line
from gondwana.autoinit.frontends.torch.running import numbers, tensor_of, undisturbed
from gondwana.autoinit.planned import PlannedCall
from gondwana.autoinit.settings import Settings
from gondwana.autoinit.signals.signal import Signal
from gondwana.autoinit.torch.calls import Scale
from gondwana.autoinit.torch.placement import to_parameter

_CONVOLUTIONS = (torch.nn.Conv1d, torch.nn.Conv2d, torch.nn.Conv3d)
_TRANSPOSED = (torch.nn.ConvTranspose1d, torch.nn.ConvTranspose2d, torch.nn.ConvTranspose3d)


def planned_by_hooks(
    module: Any,
    inputs: tuple[Any, Any, Any, Any],
    settings: Settings,
    kept: Mapping[int, str],
    *,
    zeroed: bool,
    error: ModelError,
) -> tuple[tuple[PlannedCall, ...], dict[int, Scale]]:
    """Return the calls of leaf modules and the scales of their weights, by the ``id`` of the parameter.

    Args:
        module: that is run once on its example inputs, or on ``data``.
        inputs: example inputs, mean, variance and data, as for the plan.
        settings: of the plan.
        kept: why parameters keep their values.
        zeroed: whether biases of drawn layers become 0.
        error: why the module could not be exported, in case it cannot be run either.

    Raises:
        ModelError: if it cannot be run.
        AutoInitError: if a layer receives only zeros.
    """
    args, named = drawn_inputs(inputs, settings.seed)
    device = next((parameter.device for parameter in module.parameters()), torch.device("cpu"))
    watch = _Watch(module, settings, kept, zeroed)
    with unchanged(module), as_trained(module), undisturbed(settings.seed, device), watch.hooked():
        try:
            module(*args, **named)
        except AutoInitError:
            raise
        except Exception as reason:  # noqa: BLE001 - whatever the user's forward() raises becomes the reason of our error
            raise ModelError(
                f"{type(module).__name__} fails on the example inputs: {type(reason).__name__}: {first_line(reason)}"
            ) from error
    return tuple(watch.calls), watch.scales


class _Watch:
    """Scales the weights of leaf modules as they are called, and notes the signals around them."""

    def __init__(self, module: Any, settings: Settings, kept: Mapping[int, str], zeroed: bool) -> None:
        self.module, self.settings, self.kept, self.zeroed = module, settings, kept, zeroed
        self.calls: list[PlannedCall] = []
        self.scales: dict[int, Scale] = {}
        self.paths = {id(parameter): path for path, parameter in module.named_parameters()}

    @contextmanager
    def hooked(self) -> Iterator[None]:
        """Watch the leaf modules in the body."""
        handles = []
        for path, part in self.module.named_modules():
            if not list(part.children()):
                handles.append(part.register_forward_pre_hook(self._before()))
                handles.append(part.register_forward_hook(self._after(path)))
        try:
            yield
        finally:
            for handle in handles:
                handle.remove()

    def _before(self) -> Callable[[Any, Any], None]:
        def scale(part: Any, given: Any) -> None:
            weight = getattr(part, "weight", None)
            drawable = weight is not None and id(weight) not in self.kept and id(weight) not in self.scales
            shape = _fan_in(part) if drawable and self.settings.weights == "scaled" else None
            if shape is not None:
                self._draw(part, weight, given[0], *shape)

        return scale

    def _draw(self, part: Any, weight: Any, x: Any, fan_in: float, order: tuple[int, ...]) -> None:
        energy = fan_in * (float(np.mean(np.square(numbers(x)))) if x.is_floating_point() else 1.0)
        if not energy > 0:
            raise AutoInitError(
                f"{self.paths[id(weight)]} cannot be scaled: the input of its layer is zero everywhere. "
                f"Received: sum of second moments={energy!r}, fan_in={fan_in!r}"
            )
        deviation = math.sqrt(self.settings.signal_variance / energy)
        self._set(weight, deviation, fan_in, order)
        bias = getattr(part, "bias", None)
        if bias is not None and self.zeroed and id(bias) not in self.kept:
            self._set(bias, 0.0, 0.0, ())

    def _set(self, parameter: Any, deviation: float, fan_in: float, order: tuple[int, ...]) -> None:
        axes = tuple(range(parameter.dim()))
        scale = Scale(Weight(parameter, self.paths[id(parameter)], axes), deviation, fan_in, order)
        self.scales[id(parameter)] = scale
        shape = to_parameter(scale, parameter)
        rng = generator(self.settings.seed, len(self.scales), 4)
        values = shape.placed(draw(rng, shape.drawn, deviation, "truncated_normal"))
        parameter.copy_(tensor_of(values, (parameter.dtype, parameter.device)))

    def _after(self, path: str) -> Callable[[Any, Any, Any], None]:
        def note(part: Any, given: Any, made: Any) -> None:
            tensors = [
                x for x in (made if isinstance(made, tuple | list) else [made]) if isinstance(x, torch.Tensor)
            ]
            outputs = tuple(_signal(x) for x in tensors)
            inputs = tuple(_signal(x) for x in given if isinstance(x, torch.Tensor))
            weight = getattr(part, "weight", None)
            drawn = id(weight) in self.scales
            reason = self.kept.get(id(weight), "") if weight is not None else ""
            held = outputs[0].second_moment if drawn and outputs else math.nan
            if outputs:
                self.calls.append(
                    PlannedCall(
                        path,
                        type(part).__name__,
                        inputs,
                        outputs,
                        drawn,
                        simulated=True,
                        kept=reason,
                        held=held,
                    )
                )

        return note


def _fan_in(part: Any) -> tuple[float, tuple[int, ...]] | None:
    """Return the number of inputs of an output and the axes (taps..., inputs, outputs), None for other modules."""
    if isinstance(part, torch.nn.Linear):
        return float(part.in_features), (1, 0)
    if isinstance(part, torch.nn.Embedding):
        return 1.0, (0, 1)
    if isinstance(part, _CONVOLUTIONS):
        taps = math.prod(part.kernel_size)
        return float(part.in_channels / part.groups * taps), (*range(2, part.weight.dim()), 1, 0)
    if isinstance(part, _TRANSPOSED):
        taps = math.prod(size / stride for size, stride in zip(part.kernel_size, part.stride, strict=True))
        return float(part.in_channels / part.groups * taps), (*range(2, part.weight.dim()), 0, 1)
    return None


def _signal(tensor: Any) -> Signal:
    values = numbers(tensor)
    return Signal(float(values.mean()), float(values.var()))


def drawn_inputs(inputs: tuple[Any, Any, Any, Any], seed: int) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """Return arguments of a module: examples of the data, or Gaussian tensors like its example inputs."""
    example, mean, variance, data = inputs
    if data is not None and isinstance(data, torch.Tensor):
        return (data[: len(example) if isinstance(example, torch.Tensor) else None],), {}
    args, named = example_tensors(example)
    rng = generator(seed, 5)

    def drawn(number: int, name: str, value: Any) -> Any:
        if not isinstance(value, torch.Tensor) or not value.is_floating_point():
            return value
        center, spread = (_one(what, number, name) for what in (mean, variance))
        noise = rng.standard_normal(tuple(value.shape))
        return tensor_of(center + math.sqrt(spread) * noise, (value.dtype, value.device))

    positional = tuple(drawn(number, "", value) for number, value in enumerate(args))
    return positional, {
        name: drawn(number, name, value) for number, (name, value) in enumerate(named.items())
    }


def _one(what: Any, number: int, name: str) -> float:
    if isinstance(what, Mapping):
        return float(what[name])
    return float(what if np.ndim(what) == 0 else what[number])


@contextmanager
def unchanged(module: Any) -> Iterator[None]:
    """Put every parameter and buffer back afterwards."""
    held = [(tensor, tensor.detach().clone()) for tensor in (*module.parameters(), *module.buffers())]
    try:
        yield
    finally:
        with torch.no_grad():
            for tensor, values in held:
                if not torch.equal(tensor, values):
                    tensor.copy_(values)
