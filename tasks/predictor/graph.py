"""A network with its preprocessing in front and its target's units behind, of Keras' own layers and operations alone.

What :class:`gondwana.tasks.own_data.encoder.TableEncoder` computes from cells, the graph computes from tensors, in
float64 as the encoder does. It can be loaded without this project.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import keras
import numpy as np
from keras import layers, ops

from gondwana.tasks.own_data.columns import Column
from gondwana.tasks.own_data.encoder import DAYS, TRUE_WORDS, WIDEST
from gondwana.tasks.predictor.dates import days_of
from gondwana.tasks.predictor.inputs import ROWS, input_names, is_array, used_columns
from gondwana.tasks.predictor.spellings import EMPTY_WORDS, any_case, lowered

Tensor = Any
RAW, NUMBERS, ENCODED = "raw", "numbers", "encoded"
"""What an exported network takes: values as they were given, numbers of a table, or inputs that are encoded."""
LARGEST_RATIO = 100.0
"""Numbers whose mean is more deviations from 0 than this lose more than 1e-5 of a deviation to float32."""


class NotExpressibleError(ValueError):
    """The preprocessing cannot be put into a network."""


def with_preprocessing(network: keras.Model, preprocessing: Mapping[str, Any]) -> keras.Model:
    """Return a network from raw rows to probabilities of classes, or to a number in the target's own units.

    Args:
        network: with one input and one output, as a run saved it.
        preprocessing: what :meth:`gondwana.tasks.base.Task.preprocessing` says.

    Raises:
        NotExpressibleError: if the network has several outputs or inputs, or a table meets another backend than
            TensorFlow.
    """
    if len(network.inputs) != 1 or len(network.outputs) != 1:
        raise NotExpressibleError(
            f"a network with one input and one output is needed. Received: {len(network.inputs)} inputs, "
            f"{len(network.outputs)} outputs"
        )
    inputs, encoded = encoding(preprocessing)
    return keras.Model(inputs, _answer(network(encoded), preprocessing, _precise()), name="predictor")


def portable(network: keras.Model, preprocessing: Mapping[str, Any] | None) -> tuple[keras.Model, str]:
    """Return a network with one input of numbers, for formats without text, and what that input is.

    Returns:
        The network, and :data:`RAW` (images, arrays), :data:`NUMBERS` (a table of numbers, a place a column), or
        :data:`ENCODED`, what the network alone takes. Its output is as of :func:`with_preprocessing`, in float32.
    """
    if preprocessing is None:
        return network, ENCODED
    encoder = preprocessing.get("encoder")
    takes = ENCODED
    if encoder is None:
        (inputs, encoded), takes = encoding(preprocessing), RAW
    else:
        try:
            (inputs, encoded), takes = numbers_only(encoder), NUMBERS
        except NotExpressibleError:
            inputs = encoded = keras.Input(network.input_shape[1:], name=ROWS)
    answer = _answer(network(encoded), preprocessing, "float32")
    return keras.Model(inputs, answer, name="predictor"), takes


def encoding(preprocessing: Mapping[str, Any]) -> tuple[Any, Tensor]:
    """Return the inputs (a tensor, or a dict of tensors by column) and what the network is to receive."""
    encoder = preprocessing.get("encoder")
    if encoder is not None:
        return _table(encoder)
    given = preprocessing.get("input") or {}
    inputs = keras.Input(tuple(given["shape"]), name=ROWS)
    mean, deviation = given.get("mean", 0.0), given.get("deviation", 1.0)
    center, scale = np.asarray(mean, np.float32), np.asarray(deviation, np.float32)
    return inputs, ops.divide(ops.subtract(inputs, center), scale)


def _answer(output: Tensor, preprocessing: Mapping[str, Any], dtype: str) -> Tensor:
    """Return the probabilities of all classes, or the number in its own units, in ``dtype``."""
    if preprocessing.get("classes") is None:
        mean, deviation = float(preprocessing.get("mean", 0.0)), float(preprocessing.get("deviation", 1.0))
        return ops.add(ops.multiply(ops.cast(output, dtype), deviation), mean)
    if output.shape[-1] == 1:
        output = layers.Concatenate()([ops.subtract(1.0, output), output])
    return layers.Identity(name="probabilities")(output)


def _precise() -> str:
    """Return the widest dtype that the backend computes in without being told to."""
    return "float32" if keras.config.backend() == "jax" else "float64"


def _table(encoder: Mapping[str, Any]) -> tuple[Any, Tensor]:
    if keras.config.backend() != "tensorflow":
        raise NotExpressibleError(
            "text and float64 go into a network with Keras' TensorFlow backend only; set KERAS_BACKEND=tensorflow. "
            f"Received: {keras.config.backend()}"
        )
    columns = used_columns(encoder)
    if is_array(encoder):
        inputs: Any = keras.Input((len(encoder["columns"]),), dtype="float64", name=ROWS)
        raw = _ordered(_numbers(inputs, encoder, "float64"), _order_of_numbers(columns), columns)
        return inputs, _standardized(raw, encoder, "float64")
    inputs = {}
    for name, key in input_names(encoder).items():
        kind = "float64" if columns[name].kind == "number" else "string"
        inputs[key] = keras.Input((1,), dtype=kind, name=key)
    blocks: list[Tensor] = []
    order: list[tuple[str, int]] = []
    numbers = [name for name, column in columns.items() if column.kind == "number"]
    if numbers:
        raw = [inputs[input_names(encoder)[name]] for name in numbers]
        blocks.append(_numbers(_joined(raw, "float64"), encoder, "float64"))
        order += _order_of_numbers(columns)
    for name, column in columns.items():
        if column.kind != "number":
            raw = inputs[input_names(encoder)[name]]
            blocks.append(_BLOCKS[column.kind](raw, column, encoder["fitted"][name]))
            order += [(name, place) for place in range(column.width)]
    joined = _ordered(_joined(blocks, "float64"), order, columns)
    return inputs, _standardized(joined, encoder, "float64")


def numbers_only(encoder: Mapping[str, Any]) -> tuple[Tensor, Tensor]:
    """Return the input and the encoding of a table of numbers in float32, one input of shape (rows, columns).

    Raises:
        NotExpressibleError: if it has other columns, or numbers that float32 would round too much.
    """
    columns = used_columns(encoder)
    others = [name for name, column in columns.items() if column.kind != "number"]
    if others:
        raise NotExpressibleError(f"column {others[0]!r} is no number")
    ratio = np.abs(np.array(encoder["center"])) / np.array(encoder["scale"])
    if ratio.max() > LARGEST_RATIO:
        raise NotExpressibleError("float32 would round the differences between large numbers")
    inputs = keras.Input((len(columns),), dtype="float32", name=ROWS)
    numbers = _numbers(inputs, encoder, "float32")
    return inputs, _standardized(_ordered(numbers, _order_of_numbers(columns), columns), encoder, "float32")


def _joined(parts: list[Tensor], dtype: str) -> Tensor:
    return layers.Concatenate(dtype=dtype)(parts) if len(parts) > 1 else parts[0]


def _order_of_numbers(columns: Mapping[str, Column]) -> list[tuple[str, int]]:
    """Return column and place in it of what :func:`_numbers` gives: all numbers, then indicators."""
    numbers = {name: column for name, column in columns.items() if column.kind == "number"}
    return [(name, 0) for name in numbers] + [(name, 1) for name, column in numbers.items() if column.missing]


def _ordered(joined: Tensor, order: list[tuple[str, int]], columns: Mapping[str, Column]) -> Tensor:
    """Return the inputs of the network in the encoder's order: column by column."""
    wanted = [(name, place) for name, column in columns.items() for place in range(column.width)]
    if order == wanted:
        return joined
    places = {place: number for number, place in enumerate(order)}
    return ops.take(joined, np.array([places[place] for place in wanted], np.int32), axis=-1)


def _standardized(raw: Tensor, encoder: Mapping[str, Any], dtype: str) -> Tensor:
    center, scale = np.array(encoder["center"], dtype), np.array(encoder["scale"], dtype)
    standard = ops.clip(ops.divide(ops.subtract(raw, center), scale), -WIDEST, WIDEST)
    return ops.cast(standard, "float32")


def _numbers(raw: Tensor, encoder: Mapping[str, Any], dtype: str) -> Tensor:
    """Return the numbers, filled where they are NaN, and after them the indicators of those that may be."""
    numbers = {name: column for name, column in used_columns(encoder).items() if column.kind == "number"}
    fill = np.array([float(encoder["fitted"][name]["fill"]) for name in numbers], dtype)
    empty = ops.isnan(raw)
    filled = ops.where(empty, fill, raw)
    indicated = [place for place, column in enumerate(numbers.values()) if column.missing]
    if not indicated:
        return filled
    flags = ops.cast(empty, dtype)
    if len(indicated) < len(numbers):
        flags = ops.take(flags, np.array(indicated, np.int32), axis=-1)
    return layers.Concatenate(dtype=dtype)([filled, flags])


def _categories(raw: Tensor, column: Column, fitted: Mapping[str, Any]) -> Tensor:
    """One place for each category, one for others, one for empty cells."""
    empty_words = any_case(EMPTY_WORDS)
    places = [value for value in column.categories if value not in set(empty_words)]
    odd = "[other]"
    while odd in column.categories:
        odd += "]"
    found = layers.StringLookup(
        vocabulary=[*places, *empty_words],
        num_oov_indices=1,
        mask_token=None,
        oov_token=odd,
        output_mode="one_hot",
    )(raw)
    found = ops.cast(layers.Reshape((1 + len(places) + len(empty_words),))(found), "float64")
    other, chosen, empty = (
        found[:, :1],
        found[:, 1 : 1 + len(places)],
        ops.sum(found[:, 1 + len(places) :], axis=-1, keepdims=True),
    )
    if len(places) < len(column.categories):  # a category such as "none", which cells never show
        kept = np.array([value in places for value in column.categories], np.float64)
        spread = np.eye(len(column.categories))[kept > 0]
        chosen = ops.matmul(chosen, spread)
    parts = [chosen]
    if column.other:
        parts.append(other if column.missing else ops.add(other, empty))
    if column.missing:
        parts.append(empty)
    return layers.Concatenate(dtype="float64")(parts) if len(parts) > 1 else chosen


def _boolean(raw: Tensor, column: Column, fitted: Mapping[str, Any]) -> Tensor:
    """1 for a word that means yes, a half for an empty cell, 0 else."""
    empty_words = sorted(EMPTY_WORDS - {""})
    true = TRUE_WORDS | {column.categories[1].lower()}
    true_words = lowered(true - {column.categories[0].lower()} - EMPTY_WORDS)
    place = _word(raw, [*true_words, *empty_words])  # 0 "", 1 another word, 2, 3, ... those listed
    first_empty = 2 + len(true_words)
    empty = ops.logical_or(ops.equal(place, 0), ops.greater_equal(place, first_empty))
    yes = ops.logical_and(ops.greater_equal(place, 2), ops.less(place, first_empty))
    value = ops.add(ops.cast(yes, "float64"), ops.multiply(ops.cast(empty, "float64"), 0.5))
    return _indicated(value, empty, column)


def _date(raw: Tensor, column: Column, fitted: Mapping[str, Any]) -> Tensor:
    """Days, and points on the circles of year, week and day."""
    days, empty = days_of(raw)
    days = ops.where(empty, float(fitted["fill"]), days)
    turns = [
        ops.mod(ops.divide(days, DAYS), 1.0),
        ops.divide(ops.mod(ops.floor(days), 7.0), 7.0),
        *([ops.mod(days, 1.0)] if column.hours else []),
    ]
    angles = [ops.multiply(turn, 2 * np.pi) for turn in turns]
    parts = [days, *(turn(angle) for angle in angles for turn in (ops.sin, ops.cos))]
    return _indicated(layers.Concatenate(dtype="float64")(parts), empty, column)


def _text(raw: Tensor, column: Column, fitted: Mapping[str, Any]) -> Tensor:
    """TF-IDF weights of words, of Euclidean norm 1."""
    words, frequencies = list(fitted["words"]), np.array(fitted["frequencies"], np.float64)
    place = _word(raw, sorted(EMPTY_WORDS - {""}))
    empty = ops.not_equal(place, 1)
    standardize = "lower" if any("_" in word for word in words) else "lower_and_strip_punctuation"
    counted = layers.TextVectorization(
        standardize=standardize if all(word == word.lower() for word in words) else None,
        split="whitespace",
        output_mode="count",
        vocabulary=words,
    )(raw)
    counts = ops.cast(layers.Reshape((1 + len(words),))(counted), "float64")[:, 1:]
    sublinear = ops.where(ops.greater(counts, 0.0), ops.add(ops.log(ops.maximum(counts, 1.0)), 1.0), counts)
    weights = ops.multiply(sublinear, frequencies)
    norm = ops.sqrt(ops.sum(ops.square(weights), axis=-1, keepdims=True))
    weights = ops.divide(weights, ops.where(ops.equal(norm, 0.0), 1.0, norm))
    weights = ops.where(empty, 0.0, weights)
    return _indicated(weights, empty, column)


def _word(raw: Tensor, words: list[str]) -> Tensor:
    """Return the place of whole cells among words in lower case: 0 for "", 1 for any other; shape (rows, 1)."""
    places = layers.TextVectorization(standardize="lower", split=None, output_mode="int", vocabulary=words)(
        raw
    )
    return layers.Reshape((1,))(places)


def _indicated(values: Tensor, empty: Tensor, column: Column) -> Tensor:
    if not column.missing:
        return values
    return layers.Concatenate(dtype="float64")([values, ops.cast(empty, "float64")])


_BLOCKS = {"category": _categories, "boolean": _boolean, "date": _date, "text": _text}
