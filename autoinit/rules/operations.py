"""Bare ``keras.ops`` calls, told apart by the class of the operation that Keras records for them."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import keras
import numpy as np

from gondwana.autoinit.frontends.keras.functions import through_keras
from gondwana.autoinit.frontends.keras.graph import Slot, operation_class
from gondwana.autoinit.registry import Call, Weighted, registered_rules, rule
from gondwana.autoinit.rules.elementwise import activate, elementwise, simulated
from gondwana.autoinit.rules.linear import weighted
from gondwana.autoinit.signals.signal import Signal, mixture
from gondwana.autoinit.signals.window import Window

ops = keras.ops
IMAGE = keras.KerasTensor((None, 4, 4, 2))
PAIR = (IMAGE, keras.KerasTensor((None, 4, 4, 2)))


def classes(functions: Sequence[Callable[..., Any]], *arguments: Any, **keywords: Any) -> tuple[type, ...]:
    """Return the classes of operations that these functions record for symbolic arguments, without known ones."""
    found = dict.fromkeys(operation_class(function, *arguments, **keywords) for function in functions)
    return tuple(kind for kind in found if kind not in registered_rules())


_UNARY = (
    ops.abs,
    ops.arctan,
    ops.arcsinh,
    ops.arctanh,
    ops.celu,
    ops.cos,
    ops.cosh,
    ops.elu,
    ops.erf,
    ops.exp,
    ops.expm1,
    ops.gelu,
    ops.hard_shrink,
    ops.hard_sigmoid,
    ops.hard_silu,
    ops.hard_tanh,
    ops.leaky_relu,
    ops.log,
    ops.log1p,
    ops.log_sigmoid,
    ops.negative,
    ops.reciprocal,
    ops.relu,
    ops.relu6,
    ops.rsqrt,
    ops.selu,
    ops.sigmoid,
    ops.sign,
    ops.silu,
    ops.sin,
    ops.sinh,
    ops.soft_shrink,
    ops.softplus,
    ops.softsign,
    ops.sparse_plus,
    ops.sparse_sigmoid,
    ops.sqrt,
    ops.square,
    ops.squareplus,
    ops.tan,
    ops.tanh,
    ops.tanh_shrink,
    *(
        getattr(ops, name)  # not all of them in every Keras that we support
        for name in ("cbrt", "ceil", "erfc", "exp2", "floor", "log10", "log2", "round", "sinc", "trunc")
        if hasattr(ops, name)
    ),
)


@rule(*classes(_UNARY, IMAGE))
@rule(*classes([lambda x: ops.clip(x, -1.0, 1.0)], IMAGE))
def unary(call: Call, x: Signal) -> Signal:
    """Elementwise functions, evaluated through the operation itself."""
    return elementwise(call, through_keras(call.operation.call, call.operation.name), x)


def operands(call: Call, signals: Sequence[Signal]) -> list[Any]:
    """Return the positional operands of a call: a signal for a tensor, an array for a constant or a variable."""
    given = iter(signals)
    return [next(given) if isinstance(argument, Slot) else _array(argument) for argument in call.arguments]


def _array(argument: Any) -> Any:
    return np.asarray(keras.ops.convert_to_numpy(argument), dtype=np.float64)


def affine(call: Call, x: Signal, scale: Any = 1.0, offset: Any = 0.0) -> Signal:
    """Return ``scale * x + offset`` for constants that may differ from entry to entry."""
    scales, offsets = np.broadcast_arrays(np.asarray(scale, np.float64), np.asarray(offset, np.float64))
    pairs, counts = np.unique(np.stack([scales.ravel(), offsets.ravel()], axis=1), axis=0, return_counts=True)
    if len(pairs) == 1:
        return call.calculus.scale(x, float(pairs[0, 0]), float(pairs[0, 1]))
    if len(pairs) > 64:  # a drawn array: its entries are samples of something independent of x
        factor, shift = (Signal(float(c.mean()), float(c.var())) for c in (scales, offsets))
        scaled = (
            call.calculus.combine((x, factor), "multiply")
            if factor.variance
            else call.calculus.scale(x, factor.mean)
        )
        return call.calculus.combine((scaled, shift), "add")
    return mixture([call.calculus.scale(x, float(a), float(b)) for a, b in pairs], [float(n) for n in counts])


@rule(*classes([ops.add], *PAIR))
def add(call: Call, *signals: Signal) -> Signal:
    """Sum of tensors, or of a tensor and a constant."""
    first, second = operands(call, signals)
    if isinstance(first, Signal) and isinstance(second, Signal):
        return call.calculus.combine((first, second), "add")
    return affine(call, signals[0], offset=second if isinstance(first, Signal) else first)


@rule(*classes([ops.subtract], *PAIR))
def subtract(call: Call, *signals: Signal) -> Signal:
    """Difference of tensors, or of a tensor and a constant."""
    first, second = operands(call, signals)
    if isinstance(first, Signal) and isinstance(second, Signal):
        return call.calculus.combine((first, call.calculus.scale(second, -1.0)), "add")
    if isinstance(first, Signal):
        return affine(call, first, offset=-second)
    return affine(call, second, scale=-1.0, offset=first)


@rule(*classes([ops.multiply], *PAIR))
def multiply(call: Call, *signals: Signal) -> Signal:
    """Product of tensors, or of a tensor and a constant or variable."""
    first, second = operands(call, signals)
    if isinstance(first, Signal) and isinstance(second, Signal):
        return call.calculus.combine((first, second), "multiply")
    return affine(call, signals[0], scale=second if isinstance(first, Signal) else first)


@rule(*classes([ops.divide, ops.true_divide], *PAIR))
def divide(call: Call, *signals: Signal) -> Signal:
    """Quotient by a constant; a tensor as the divisor goes through its reciprocal, which must be integrable."""
    first, second = operands(call, signals)
    if not isinstance(second, Signal):
        return affine(call, first, scale=1 / second)
    inverse = elementwise(call, lambda x: 1 / x, second)
    if isinstance(first, Signal):
        return call.calculus.combine((first, inverse), "multiply")
    return affine(call, inverse, scale=first)


@rule(*classes([ops.power], IMAGE, 2.0))
def power(call: Call, *signals: Signal) -> Signal:
    """A constant power of a tensor, or a constant to the power of a tensor."""
    first, second = operands(call, signals)
    if isinstance(first, Signal):
        return elementwise(call, lambda x: np.power(x, float(second)), first)
    return elementwise(call, lambda x: np.power(float(first), x), second)


@rule(*classes([ops.maximum, ops.minimum], *PAIR))
def extremum(call: Call, *signals: Signal) -> Signal:
    """Larger or smaller of two tensors, or of a tensor and a constant."""
    smaller = type(call.operation) is _MINIMUM
    first, second = operands(call, signals)
    if isinstance(first, Signal) and isinstance(second, Signal):
        return call.calculus.combine((first, second), "minimum" if smaller else "maximum")
    bound = float(np.mean(second if isinstance(first, Signal) else first))
    function = np.minimum if smaller else np.maximum
    return elementwise(call, lambda x: function(x, bound), signals[0], (bound,))


_MINIMUM = operation_class(ops.minimum, *PAIR)


def _reduced(call: Call, x: Signal) -> tuple[Signal, float]:
    """Return the mean over the reduced axes, and how many entries it is over."""
    shape = call.input_shapes[0]
    axis = call.operation.axis
    axes = range(len(shape)) if axis is None else [axis] if isinstance(axis, int) else axis
    sizes = {a % len(shape): shape[a % len(shape)] or 1 for a in axes}
    channel = len(shape) - 1
    places = [a for a in range(1, channel) if a in sizes]
    result = x
    if places:
        inputs = tuple(shape[1:channel])
        taps = tuple(sizes.get(a, 1) for a in range(1, channel))
        outputs = tuple(1 if a in sizes else shape[a] for a in range(1, channel))
        result = call.calculus.average(x, Window(taps, taps, (1,) * len(taps), "valid", inputs, outputs))
    if channel in sizes:  # channels are independent of one another
        result = Signal(result.mean, result.variance / sizes[channel], result.covariance / sizes[channel])
    return result, float(math.prod(sizes.values()))


@rule(*classes([ops.mean], IMAGE))
def mean(call: Call, x: Signal) -> Signal:
    """Mean over positions, channels or both."""
    return _reduced(call, x)[0]


@rule(*classes([ops.sum], IMAGE))
def total(call: Call, x: Signal) -> Signal:
    """Sum over positions, channels or both."""
    averaged, count = _reduced(call, x)
    return call.calculus.scale(averaged, count)


@rule(*classes([ops.max], IMAGE))
def largest(call: Call, x: Signal) -> Signal:
    """Maximum over the reduced axes, taken as positions."""
    return call.calculus.largest(x, _whole_window(call))


@rule(*classes([ops.min], IMAGE))
def smallest(call: Call, x: Signal) -> Signal:
    """Minimum over the reduced axes, taken as positions."""
    mirrored = call.calculus.largest(call.calculus.scale(x, -1.0), _whole_window(call))
    return call.calculus.scale(mirrored, -1.0)


def _whole_window(call: Call) -> Window:
    shape = call.input_shapes[0]
    axis = call.operation.axis
    axes = range(1, len(shape)) if axis is None else [axis] if isinstance(axis, int) else axis
    count = math.prod(shape[a % len(shape)] or 1 for a in axes)
    return Window((count,), (1,), (1,), "valid", (None,), (None,))


@rule(*classes([ops.matmul], keras.KerasTensor((None, 3, 4)), keras.KerasTensor((None, 4, 5))))
@rule(*classes([ops.dot], keras.KerasTensor((None, 4)), keras.KerasTensor((4, 5))))
def matmul(call: Call, *signals: Signal) -> Signal | Weighted:
    """Product of matrices; a variable is a weight to be scaled."""
    first, second = call.arguments[:2]
    if isinstance(first, Slot) and isinstance(second, Slot):
        return _inner(call, signals[0], signals[1], call.input_shapes[0][-1] or 1)
    variable = second if isinstance(first, Slot) else first
    size = call.input_shapes[0][-1] if isinstance(first, Slot) else call.input_shapes[0][-2]
    return weight(call, variable, signals[0], float(size or 1))


@rule(
    *classes(
        [lambda x, y: ops.einsum("bij,bjk->bik", x, y)],
        keras.KerasTensor((2, 3, 4)),
        keras.KerasTensor((2, 4, 5)),
    )
)
def einsum(call: Call, *signals: Signal) -> Signal | Weighted:
    """Sum of products over the labels that the output does not have."""
    size = _einsum_size(call)
    if len(signals) == 2:
        return _inner(call, signals[0], signals[1], size)
    variables = [argument for argument in call.arguments if not isinstance(argument, Slot)]
    return (
        weight(call, variables[0], signals[0], size) if variables else call.calculus.scale(signals[0], size)
    )


def _einsum_size(call: Call) -> float:
    subscripts = call.operation.subscripts.replace("...", "").replace(" ", "")
    inputs, output = subscripts.split("->")
    labels = inputs.split(",")
    sizes: dict[str, int] = {}
    shapes = iter(call.input_shapes)
    for label, argument in zip(labels, call.arguments, strict=True):
        shape = next(shapes) if isinstance(argument, Slot) else tuple(argument.shape)
        sizes.update({name: size or 1 for name, size in zip(label, shape[-len(label) :], strict=True)})
    return float(math.prod(n for name, n in sizes.items() if name not in output))


def contracted_size(call: Call) -> float:
    """Return the number of products that an entry of a product of two tensors sums."""
    if isinstance(call.operation, keras.layers.Dot):
        axes = call.operation.axes
        return float(call.input_shapes[0][axes if isinstance(axes, int) else axes[0]] or 1)
    if hasattr(call.operation, "subscripts"):
        return _einsum_size(call)
    return float(call.input_shapes[0][-1] or 1)


def _inner(call: Call, first: Signal, second: Signal, size: float) -> Signal:
    product = call.calculus.combine((first, second), "multiply")
    return Signal(size * product.mean, size * product.variance, size * product.covariance)


def weight(
    call: Call, variable: Any, x: Signal, size: float, window: Window | None = None
) -> Signal | Weighted:
    """Return the signal after multiplication with a variable, which is to be scaled, or with a constant array."""
    if isinstance(variable, keras.Variable):
        y, scale = weighted(call, variable, x, size, window)
        return Weighted(y, (scale,))
    values = _array(variable)
    energy = call.calculus.contract(x, size, window)
    return call.calculus.scale(energy.output, math.sqrt(energy.value * float(np.mean(values**2))))


@rule(*classes([ops.softmax, ops.log_softmax], IMAGE))
def softmax(call: Call, x: Signal) -> Signal:
    """Over the operation's axis."""
    size = call.input_shapes[0][call.operation.axis] or 1
    if type(call.operation) is _SOFTMAX:
        return activate(call, keras.activations.softmax, x, size)
    return simulated(call, keras.activations.log_softmax, x, size)


_SOFTMAX = operation_class(ops.softmax, IMAGE)


@rule(*classes([lambda x, y: ops.concatenate([x, y], axis=-1)], *PAIR))
def concatenate(call: Call, *signals: Signal) -> Signal:
    """Shares by size along the axis."""
    sizes = [float(shape[call.operation.axis] or 1) for shape in call.input_shapes]
    return call.calculus.concatenate(signals, sizes)


@rule(*classes([lambda x, y: ops.stack([x, y], axis=1)], *PAIR))
def stack(call: Call, *signals: Signal) -> Signal:
    """Equal shares."""
    return mixture(signals, [1.0] * len(signals))


_MOVES: Mapping[str, Callable[[Any], Any]] = {
    "reshape": lambda x: ops.reshape(x, (-1, 32)),
    "transpose": lambda x: ops.transpose(x, (0, 2, 1, 3)),
    "expand_dims": lambda x: ops.expand_dims(x, 1),
    "squeeze": lambda x: ops.squeeze(ops.expand_dims(x, 1), 1),
    "swapaxes": lambda x: ops.swapaxes(x, 1, 2),
    "moveaxis": lambda x: ops.moveaxis(x, 1, 2),
    "flip": lambda x: ops.flip(x, 1),
    "roll": lambda x: ops.roll(x, 1, 1),
    "repeat": lambda x: ops.repeat(x, 2, 1),
    "tile": lambda x: ops.tile(x, (1, 2, 1, 1)),
    "broadcast_to": lambda x: ops.broadcast_to(x, (2, 4, 4, 2)),
    "getitem": lambda x: x[:, :2],
    "resize": lambda x: ops.image.resize(x, (8, 8)),
    "split": lambda x: ops.split(x, 2, axis=1),
}


@rule(*classes(list(_MOVES.values()), IMAGE))
def rearrange(call: Call, x: Signal) -> Signal | tuple[Signal, ...]:
    """The same entries in other places, or some of them."""
    before, crossed = call.input_shapes[0][1:], _crosses(call)
    moved = tuple(
        call.calculus.rearrange(x, before, shape[1:], crossed=crossed) for shape in call.output_shapes
    )
    return moved[0] if len(moved) == 1 else moved


def _crosses(call: Call) -> bool:
    """Whether a transposition puts another axis in the place of the channels."""
    if type(call.operation) not in _TRANSPOSITIONS:
        return False
    told_apart = tuple(range(2, 2 + len(call.input_shapes[0])))
    spec = call.operation.compute_output_spec(keras.KerasTensor(told_apart))
    return bool(spec.shape[-1] != told_apart[-1])


_TRANSPOSITIONS = tuple(
    operation_class(_MOVES[name], IMAGE) for name in ("transpose", "swapaxes", "moveaxis")
)


@rule(*classes([lambda x: ops.cast(x, "float16"), ops.stop_gradient, ops.copy], IMAGE))
def identity(call: Call, x: Signal) -> Signal:
    """Another copy or precision of the same entries."""
    return x


@rule(*classes([lambda x: ops.pad(x, ((0, 0), (1, 1), (1, 1), (0, 0)))], IMAGE))
def pad(call: Call, x: Signal) -> Signal:
    """Zeros around the positions."""
    widths = call.operation.pad_width
    corner = tuple(int(pair[0]) for pair in widths[1:-1])
    return call.calculus.pad(x, call.input_shapes[0][1:-1], call.output_shapes[0][1:-1], corner)
