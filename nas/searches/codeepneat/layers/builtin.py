"""The layer types that come with the search: those of the paper's Table 1, and batch normalization.

Keras is imported when a layer is made, so that a search, which only plans, runs without it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from gondwana.nas.searches.codeepneat.genes.domains import Value
from gondwana.nas.searches.codeepneat.layers.registry import Genes, LayerType, MergeType, Shape, register

if TYPE_CHECKING:
    import keras

KERNEL = ("kernel_initializer", "kernel_regularizer", "regularization")
"""Genes of every kernel: initializer, kind of penalty (``l1``, ``l2`` or ``none``) and its factor."""

KERNEL_DEFAULTS: dict[str, Value] = {
    "kernel_initializer": "glorot_uniform",
    "kernel_regularizer": "none",
    "regularization": 0.0,
}
POOL = 2
"""Width and stride of every pooling layer, as in the networks that the authors evolved."""

IMAGE, SEQUENCE, VECTOR = 3, 2, 1
ANY = frozenset({IMAGE, SEQUENCE, VECTOR})

Make = Callable[[Genes, str, int], "keras.layers.Layer"]


def kernel_arguments(genes: Genes, seed: int) -> dict[str, Any]:
    """Return the Keras arguments ``kernel_initializer`` and ``kernel_regularizer`` that the genes ask for.

    Raises:
        ValueError: if Keras knows no initializer of that name.
    """
    import keras

    name = str(genes.get("kernel_initializer", "glorot_uniform"))
    initializer = keras.initializers.get({"class_name": name, "config": {"seed": seed}})
    penalty = {"l1": keras.regularizers.L1, "l2": keras.regularizers.L2}.get(
        str(genes.get("kernel_regularizer", "none"))
    )
    factor = float(genes.get("regularization", 0.0))
    return {
        "kernel_initializer": initializer,
        "kernel_regularizer": penalty(factor) if penalty is not None and factor > 0 else None,
    }


def _kernel_layer(class_name: str, *genes: str, **fixed: Any) -> Make:
    """Return a maker for a Keras layer with one kernel; ``genes`` are passed on under their own names."""

    def make(values: Genes, name: str, seed: int) -> keras.layers.Layer:
        import keras

        arguments = {gene: values[gene] for gene in genes} | fixed | kernel_arguments(values, seed)
        return getattr(keras.layers, class_name)(**arguments, name=name)

    return make


def _recurrent_layer(class_name: str) -> Make:
    def make(values: Genes, name: str, seed: int) -> keras.layers.Layer:
        import keras

        orthogonal = keras.initializers.Orthogonal(seed=seed + 1)
        return getattr(keras.layers, class_name)(
            values["units"],
            return_sequences=True,
            recurrent_initializer=orthogonal,
            **kernel_arguments(values, seed),
            name=name,
        )

    return make


def _plain_layer(class_name: str, **fixed: Any) -> Make:
    def make(values: Genes, name: str, seed: int) -> keras.layers.Layer:
        import keras

        return getattr(keras.layers, class_name)(**fixed, name=name)

    return make


def _dropout_layer(class_name: str) -> Make:
    def make(values: Genes, name: str, seed: int) -> keras.layers.Layer:
        import keras

        return getattr(keras.layers, class_name)(values["rate"], seed=seed, name=name)

    return make


def _same(shape: Shape, genes: Genes) -> Shape:
    return shape


def _no_parameters(shape: Shape, genes: Genes) -> int:
    return 0


def _pooled(shape: Shape, genes: Genes) -> Shape | None:
    *sizes, width = shape
    return None if min(sizes) < POOL else (*(size // POOL for size in sizes), width)


def _widened(gene: str) -> Callable[[Shape, Genes], Shape]:
    return lambda shape, genes: (*shape[:-1], int(genes[gene]))


def _convolution(rank: int) -> Callable[[Shape, Genes], int]:
    """Parameters of a convolution over ``rank`` axes: (k^rank C_in + 1) C_out."""
    return lambda shape, genes: (int(genes["kernel_size"]) ** rank * shape[-1] + 1) * int(genes["filters"])


def _dense(shape: Shape, genes: Genes) -> int:
    return (shape[-1] + 1) * int(genes["units"])


def _recurrent(gates: int, biases: int) -> Callable[[Shape, Genes], int]:
    """Parameters of a recurrent layer: for each gate (C + units + biases) units."""
    return lambda shape, genes: gates * (shape[-1] + int(genes["units"]) + biases) * int(genes["units"])


_DEFAULTS: dict[str, Value] = KERNEL_DEFAULTS | {"activation": "linear"}

for _rank, _name in ((1, "Conv1D"), (2, "Conv2D")):
    register(
        LayerType(
            name=_name,
            genes=("filters", "kernel_size", "activation", *KERNEL),
            ranks=frozenset({_rank + 1}),
            shape=_widened("filters"),
            parameters=_convolution(_rank),
            make=_kernel_layer(_name, "filters", "kernel_size", "activation", padding="same"),
            weighted=True,
            defaults=_DEFAULTS,
        )
    )
register(
    LayerType(
        name="Dense",
        genes=("units", "activation", *KERNEL),
        ranks=ANY,
        shape=_widened("units"),
        parameters=_dense,
        make=_kernel_layer("Dense", "units", "activation"),
        weighted=True,
        defaults=_DEFAULTS,
    )
)
# Keras' GRU has two bias vectors per gate (reset_after), its LSTM one.
for _name, _gates, _biases in (("GRU", 3, 2), ("LSTM", 4, 1)):
    register(
        LayerType(
            name=_name,
            genes=("units", *KERNEL),
            ranks=frozenset({SEQUENCE}),
            shape=_widened("units"),
            parameters=_recurrent(_gates, _biases),
            make=_recurrent_layer(_name),
            weighted=True,
            defaults=KERNEL_DEFAULTS,
        )
    )
for _rank, _name in (
    (1, "MaxPooling1D"),
    (2, "MaxPooling2D"),
    (1, "AveragePooling1D"),
    (2, "AveragePooling2D"),
):
    register(
        LayerType(
            name=_name,
            genes=(),
            ranks=frozenset({_rank + 1}),
            shape=_pooled,
            parameters=_no_parameters,
            make=_plain_layer(_name, pool_size=POOL, strides=POOL),
        )
    )
for _name, _ranks in (("Dropout", ANY), ("SpatialDropout1D", {SEQUENCE}), ("SpatialDropout2D", {IMAGE})):
    register(
        LayerType(
            name=_name,
            genes=("rate",),
            ranks=frozenset(_ranks),
            shape=_same,
            parameters=_no_parameters,
            make=_dropout_layer(_name),
        )
    )
register(
    LayerType(
        name="BatchNormalization",
        genes=(),
        ranks=ANY,
        shape=_same,
        parameters=lambda shape, genes: 4 * shape[-1],
        make=_plain_layer("BatchNormalization"),
    )
)


def _merge(class_name: str) -> Callable[[str], keras.layers.Layer]:
    def make(name: str) -> keras.layers.Layer:
        import keras

        return getattr(keras.layers, class_name)(name=name)

    return make


register(MergeType("Add", width=max, equal_widths=True, parameters=lambda count: 0, make=_merge("Add")))
register(
    MergeType(
        "Concatenate", width=sum, equal_widths=False, parameters=lambda count: 0, make=_merge("Concatenate")
    )
)


def _weighted_sum(name: str) -> keras.layers.Layer:
    from gondwana.nas.searches.codeepneat.layers.weighted_sum import WeightedSum

    return WeightedSum(name=name)


register(
    MergeType("WeightedSum", width=max, equal_widths=True, parameters=lambda count: count, make=_weighted_sum)
)
