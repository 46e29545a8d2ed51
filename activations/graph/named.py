"""Well-known activation functions as graphs, by their Keras names."""

from __future__ import annotations

from gondwana.activations.errors import GraphError, quoted
from gondwana.activations.graph.graph import Graph, parse

_TEXTS = {
    "linear": "x",
    "relu": "relu(x)",
    "elu": "elu(x)",
    "selu": "selu(x)",
    "gelu": "gelu(x)",
    "tanh": "tanh(x)",
    "sigmoid": "sigmoid(x)",
    "softplus": "softplus(x)",
    "softsign": "softsign(x)",
    "silu": "swish(x)",
    "swish": "swish(x)",
    "mish": "mish(x)",
    "exponential": "exp(x)",
    "log_sigmoid": "log_sigmoid(x)",
}


def names() -> dict[str, Graph]:
    """Return the functions that have the same meaning in Keras, by their Keras name.

    ``hard_sigmoid`` and ``leaky_relu`` are left out: PANGAEA's and Act-Bench's definitions differ from Keras 3.
    """
    return {name: parse(text) for name, text in _TEXTS.items()}


def get(text: str) -> Graph:
    """Return the function that ``text`` is or names: ``"relu"`` and ``"relu(x)"`` are the same.

    Raises:
        GraphError: if it is neither.
    """
    if text in _TEXTS:
        return parse(_TEXTS[text])
    if text.isidentifier() and text != "x":
        raise GraphError(
            f"{quoted(text)} is no known activation function. Known: {', '.join(_TEXTS)}, or a text"
        )
    return parse(text)
