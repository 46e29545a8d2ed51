"""GraphActivation: an activation function from its text, as a Keras layer."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import keras
from keras import ops

from gondwana import autoinit
from gondwana.activations.errors import ActivationError, InvalidFunctionError
from gondwana.activations.graph.graph import Graph, parse
from gondwana.activations.graph.program import Step
from gondwana.activations.operators.backend import Tensor
from gondwana.activations.operators.registry import operator
from gondwana.activations.study.moments import gaussian_moments, scalar_function


@keras.saving.register_keras_serializable(package="gondwana")
class GraphActivation(keras.layers.Layer):  # type: ignore[misc]  # Keras has no types
    """Apply an activation function elementwise; its parameters are trained, one per channel, from 1.

    The output is ``(f(x) - offset) / divisor``, with offset 0 and divisor 1 unless ``center`` or ``scale`` are given.
    Equal subexpressions are computed once, and constant ones not at all. Under a half-precision policy the function is
    evaluated in float32, its parameters included, and the result cast back, because exp, pow and the Bessel functions
    need the range, and a parameter near 1 the digits: bfloat16 has steps of 0.008 there.

    Overflow is not hidden: like PANGAEA, ``exp`` and its relatives give inf where the dtype ends, division by 0 gives
    inf, and a fractional power of a negative number NaN.

    Args:
        graph: a :class:`Graph`, or its text such as ``"max(relu(x),a*cosh(elu(x)))"``.
        center: subtract the function's mean under N(0, 1), as AutoInit++ does.
        scale: divide by the function's standard deviation under N(0, 1) (by its root mean square if not centred).
        axis: of the channels; the parameters have one entry for each. Not the batch axis.
        **kwargs: of ``keras.layers.Layer``.

    Raises:
        ValueError: if the text is not a function, or ``center`` or ``scale`` is asked of a function without usable
            Gaussian moments.

    Examples:
        >>> layer = GraphActivation("a*swish(b*x)")
        >>> layer(np.ones((2, 3))).shape
        TensorShape([2, 3])
        >>> [(weight.name, tuple(weight.shape)) for weight in layer.weights]
        [('a', (3,)), ('b', (3,))]
    """

    def __init__(
        self, graph: Graph | str, center: bool = False, scale: bool = False, axis: int = -1, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        if isinstance(axis, bool) or not isinstance(axis, int) or axis == 0:
            raise ActivationError(f"axis must be an int other than 0, the batch. Received: axis={axis!r}")
        if not isinstance(graph, Graph | str):
            raise ActivationError(
                f"a GraphActivation needs a Graph or a text such as 'a*swish(x)'. Received: {graph!r}"
            )
        self.graph = parse(graph) if isinstance(graph, str) else graph
        self.axis = axis
        self.supports_masking = True
        self.center = False
        self.scale = False
        self.offset = 0.0
        self.divisor = 1.0
        self.factors: list[keras.Variable] = []
        self.normalize(center=center, scale=scale)

    def normalize(self, *, center: bool, scale: bool) -> None:
        """Set ``center`` and ``scale`` anew; a model that is compiled already must be compiled again.

        Raises:
            InvalidFunctionError: if the function has no usable Gaussian moments.
        """
        offset, divisor = 0.0, 1.0
        if center or scale:
            try:
                moments = gaussian_moments(self.graph)
            except autoinit.NotIntegrableError as error:
                raise InvalidFunctionError(f"cannot center or scale {self.graph}: {error}") from error
            offset = moments.mean if center else 0.0
            divisor = math.sqrt(moments.variance if center else moments.second_moment) if scale else 1.0
            if divisor == 0:
                raise InvalidFunctionError(f"cannot scale {self.graph}: it is constant under N(0, 1)")
        self.center, self.scale, self.offset, self.divisor = bool(center), bool(scale), offset, divisor

    def build(self, input_shape: Sequence[int | None]) -> None:
        """Create one weight vector per parameter, named and ordered as in the text."""
        if self.graph.parameters:
            rank = len(input_shape)
            if not -rank < self.axis < rank:
                raise ActivationError(
                    f"axis {self.axis} is not one of an input of shape {tuple(input_shape)}"
                )
            channels = input_shape[self.axis]
            if channels is None:
                raise ActivationError(
                    f"{self.name}: the size of axis {self.axis} must be known. Received: shape {tuple(input_shape)}"
                )
            used = {
                step.parameter for step in self.graph.program.steps
            }  # not the b of a*one(b*x), for instance
            self.factors = [
                self.add_weight(
                    name=name, shape=(channels,), initializer="ones", trainable=number in used, autocast=False
                )
                for number, name in enumerate(self.graph.parameter_names)
            ]
        self.built = True

    def call(self, inputs: Tensor) -> Tensor:
        """Return the function of ``inputs``, same shape and dtype."""
        dtype = self.compute_dtype
        half = dtype in ("float16", "bfloat16")
        x = ops.cast(inputs, "float32") if half else inputs
        y = self._function(x)
        if self.offset:
            y = y - self.offset
        if self.divisor != 1:
            y = y / self.divisor
        return ops.cast(y, dtype) if half else y

    def _function(self, x: Tensor) -> Tensor:
        shape = [1] * len(x.shape)
        shape[self.axis] = -1

        def apply(step: Step, inputs: Sequence[Tensor]) -> Tensor:
            if step.parameter is not None:
                return inputs[0] * ops.reshape(ops.cast(self.factors[step.parameter], x.dtype), shape)
            return operator(step.operator or "").keras(*inputs)

        y = self.graph.program.run(x, apply)
        return (
            y if self.graph.program.varies else y + 0.0 * x
        )  # layers before need a gradient, if only of zeros

    def compute_output_shape(self, input_shape: Sequence[int | None]) -> tuple[int | None, ...]:
        """Return the input's shape."""
        return tuple(input_shape)

    def get_config(self) -> dict[str, Any]:
        """Return the arguments of the constructor; the function as text."""
        return {
            **super().get_config(),
            "graph": self.graph.text,
            "center": self.center,
            "scale": self.scale,
            "axis": self.axis,
        }


def _layer_function(layer: GraphActivation) -> autoinit.ScalarFunction:
    """Return what ``layer`` computes with its parameters at 1."""
    inner = scalar_function(layer.graph)
    if layer.offset == 0 and layer.divisor == 1:
        return inner
    return autoinit.ScalarFunction(
        lambda x: (inner(x) - layer.offset) / layer.divisor, inner.kinks, inner.tolerance, inner.name
    )


@autoinit.numpy_form(GraphActivation)
def _numpy_form(layer: GraphActivation) -> autoinit.ScalarFunction:
    return _layer_function(layer)


@autoinit.centering(GraphActivation)
def _centered_copy(layer: GraphActivation) -> GraphActivation:
    """AutoInit++: the same layer, its Gaussian mean subtracted."""
    copy: GraphActivation = GraphActivation.from_config({**layer.get_config(), "center": True})
    return copy


@autoinit.rule(GraphActivation)
def _graph_activation(call: autoinit.Call, x: autoinit.Signal) -> autoinit.Signal:
    """Gaussian integral of the graph, parameters at 1, the kinks declared."""
    return autoinit.elementwise(call, _layer_function(call.layer), x)
