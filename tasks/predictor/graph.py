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


class NotExpressibleError(ValueError):
    """The preprocessing cannot be put into a network."""


def with_preprocessing(network: keras.Model, preprocessing: Mapping[str, Any]) -> keras.Model:
    """Return a network from raw rows to probabilities of classes, or to a number in the target's own units.

    Args:
        network: with one input and one output, as a run saved it.
        preprocessing: what :meth:`gondwana.tasks.base.Task.preprocessing` says.

    Raises:
        NotExpressibleError: if the network has several outputs or inputs.
    """
    if len(network.inputs) != 1 or len(network.outputs) != 1:
        raise NotExpressibleError(
            f"a network with one input and one output is needed. Received: {len(network.inputs)} inputs, "
            f"{len(network.outputs)} outputs"
        )
    inputs, encoded = encoding(preprocessing)
    return keras.Model(inputs, _answer(network(encoded), preprocessing), name="predictor")


def encoding(preprocessing: Mapping[str, Any]) -> tuple[Any, Tensor]:
    """Return the inputs (a tensor, or a dict of tensors by column) and what the network is to receive."""
    encoder = preprocessing.get("encoder")
    if encoder is not None:
        return _table(encoder)
    given = preprocessing.get("input") or {}
    inputs = keras.Input(tuple(given["shape"]), name=ROWS)
    mean, deviation = given.get("mean", 0.0), given.get("deviation", 1.0)
    standardized = layers.Normalization(
        axis=-1 if isinstance(mean, list) else None,
        mean=mean,
        variance=np.square(deviation).tolist(),
        name="standardized",
    )
    return inputs, standardized(inputs)


def _answer(output: Tensor, preprocessing: Mapping[str, Any]) -> Tensor:
    """Return the probabilities of all classes, or the number in its own units, float64."""
    if preprocessing.get("classes") is None:
        mean, deviation = float(preprocessing.get("mean", 0.0)), float(preprocessing.get("deviation", 1.0))
        return ops.add(ops.multiply(ops.cast(output, "float64"), deviation), mean)
    if output.shape[-1] == 1:
        output = layers.Concatenate()([ops.subtract(1.0, output), output])
    return layers.Identity(name="probabilities")(output)


def _table(encoder: Mapping[str, Any]) -> tuple[Any, Tensor]:
    columns = used_columns(encoder)
    array = is_array(encoder)
    inputs: Any = {}
    if array:
        inputs = keras.Input((len(encoder["columns"]),), dtype="float64", name=ROWS)
    else:
        for name, key in input_names(encoder).items():
            kind = "float64" if columns[name].kind == "number" else "string"
            inputs[key] = keras.Input((1,), dtype=kind, name=key)
    numbers = [name for name, column in columns.items() if column.kind == "number"]
    blocks: list[Tensor] = []
    order: list[tuple[str, int]] = []
    if numbers:
        blocks.append(_numbers(inputs, numbers, encoder, array))
        order += [(name, 0) for name in numbers]
        indicated = [name for name in numbers if columns[name].missing]
        order += [(name, 1) for name in indicated]
    for name, column in columns.items():
        if column.kind != "number":
            raw = inputs[input_names(encoder)[name]]
            blocks.append(_BLOCKS[column.kind](raw, column, encoder["fitted"][name]))
            order += [(name, place) for place in range(column.width)]
    joined = layers.Concatenate(dtype="float64")(blocks) if len(blocks) > 1 else blocks[0]
    wanted = [(name, place) for name, column in columns.items() for place in range(column.width)]
    if order != wanted:
        places = {place: number for number, place in enumerate(order)}
        joined = ops.take(joined, np.array([places[place] for place in wanted], np.int32), axis=-1)
    center, scale = np.array(encoder["center"]), np.array(encoder["scale"])
    standard = ops.clip(ops.divide(ops.subtract(joined, center), scale), -WIDEST, WIDEST)
    return inputs, ops.cast(standard, "float32")


def _numbers(inputs: Any, names: list[str], encoder: Mapping[str, Any], array: bool) -> Tensor:
    """Return the numbers, filled where they are NaN, and after them the indicators of those that may be."""
    columns = used_columns(encoder)
    if array:
        every = list(encoder["columns"])
        places = [every.index(name) for name in names]
        raw = inputs if names == every else ops.take(inputs, np.array(places, np.int32), axis=-1)
    else:
        keys = input_names(encoder)
        raw = [inputs[keys[name]] for name in names]
        raw = layers.Concatenate(dtype="float64")(raw) if len(raw) > 1 else raw[0]
    fill = np.array([float(encoder["fitted"][name]["fill"]) for name in names])
    empty = ops.isnan(raw)
    filled = ops.where(empty, fill, raw)
    indicated = [place for place, name in enumerate(names) if columns[name].missing]
    if not indicated:
        return filled
    flags = ops.cast(empty, "float64")
    if len(indicated) < len(names):
        flags = ops.take(flags, np.array(indicated, np.int32), axis=-1)
    return layers.Concatenate(dtype="float64")([filled, flags])


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
