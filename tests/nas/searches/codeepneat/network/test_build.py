"""Assembly: plans and models agree, and peers' bugs stay away."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import keras
import numpy as np
import pytest

from gondwana.nas.searches.codeepneat.genome.genome import Genome, Node, output_node
from gondwana.nas.searches.codeepneat.network.build import build, parameter_count
from gondwana.nas.searches.codeepneat.network.plan import plan_network
from gondwana.nas.searches.codeepneat.network.spec import model_spec
from gondwana.nas.searches.codeepneat.network.steps import SpecError
from gondwana.tasks.base import TaskInfo
from tests.helpers.codeepneat import (
    ALPHABETS,
    IMAGES,
    ODD_IMAGES,
    TASKS,
    TEXT,
    alphabets,
    random_genome,
    space,
)

pytestmark = pytest.mark.slow


def random_spec(name: str, seed: int, *, steps: int = 8, share_weights: bool = False) -> dict[str, Any]:
    rng = np.random.default_rng(seed)
    both = alphabets(name)
    return model_spec(
        random_genome(both["blueprints"], rng, steps),
        {species: random_genome(both["modules"], rng, steps) for species in (0, 3, 7)},
        space(name),
        evolved_initialization=bool(seed % 2),
        share_weights=share_weights,
    )


def batch(info: TaskInfo, size: int = 2) -> np.ndarray:
    rng = np.random.default_rng(0)
    if info.vocabulary is not None:
        return rng.integers(info.vocabulary, size=(size, *info.input_shape)).astype("int32")
    return rng.normal(size=(size, *info.input_shape)).astype("float32")


@pytest.mark.parametrize("share_weights", [False, True])
@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize(
    ("name", "info"),
    [
        ("images", IMAGES),
        ("images", ODD_IMAGES),
        ("images", ALPHABETS),
        ("table", TASKS["table"]),
        ("text", TEXT),
    ],
    ids=["images", "odd", "heads", "table", "text"],
)
def test_random_networks_are_built_as_planned(
    name: str, info: TaskInfo, seed: int, share_weights: bool
) -> None:
    spec = random_spec(name, seed, share_weights=share_weights)
    plan = plan_network(spec, info)
    model = build(spec, info, seed)
    assert model.count_params() == plan.parameters == parameter_count(spec, info)
    assert sorted(model.output_names) == sorted(head.name for head in info.heads)
    for step in plan.steps:
        if step.layer == step.name:
            assert tuple(model.get_layer(step.name).output.shape[1:]) == step.shape
    outputs = keras.tree.flatten(model(batch(info)))
    assert [tuple(output.shape) for output in outputs] == [(2, head.units) for head in info.heads]
    assert all(np.isfinite(output).all() for output in outputs)


def test_equal_seeds_give_equal_weights_and_others_do_not() -> None:
    spec = random_spec("images", 1)
    first, same, other = (build(spec, IMAGES, seed) for seed in (5, 5, 6))
    kernels = [[w for w in model.get_weights() if w.ndim > 1] for model in (first, same, other)]
    assert all(np.array_equal(a, b) for a, b in zip(kernels[0], kernels[1], strict=True))
    assert not any(np.array_equal(a, b) for a, b in zip(kernels[0], kernels[2], strict=True))


def graph(nodes: dict[str, tuple[str, dict[str, Any]]], edges: list[tuple[str, str]]) -> Genome:
    made = [Node(name, kind, {"merge": "Add"} | genes) for name, (kind, genes) in nodes.items()]
    return Genome.make([*made, output_node("Add")], edges)


def convolution(filters: int = 4, kernel_size: int = 3) -> tuple[str, dict[str, Any]]:
    return "Conv2D", {"filters": filters, "kernel_size": kernel_size, "activation": "relu"}


POOL: tuple[str, dict[str, Any]] = ("MaxPooling2D", {})


def network(blueprint: Genome, *modules: Genome, **options: Any) -> dict[str, Any]:
    return model_spec(blueprint, dict(enumerate(modules)), space(), evolved_initialization=False, **options)


def chain(*layers: tuple[str, dict[str, Any]]) -> Genome:
    names = [chr(ord("a") + i) for i in range(len(layers))]
    path = ["input", *names, "output"]
    return graph(dict(zip(names, layers, strict=True)), list(pairwise(path)))


def module(species: int) -> tuple[str, dict[str, Any]]:
    return "module", {"species": species}


def test_a_node_with_three_inputs_of_different_sizes_and_widths_is_merged() -> None:
    """Regression for a peer's bug: no branch for three or more inputs."""
    blueprint = graph(
        {"a": module(0), "b": module(0), "c": module(1)},
        [("input", "a"), ("a", "b"), ("input", "c"), ("a", "c"), ("b", "c"), ("c", "output")],
    )
    spec = network(blueprint, chain(convolution(6), POOL), chain(convolution(5)))
    model = build(spec, IMAGES, 0)
    pools = {layer.name: layer.pool_size for layer in model.layers if "_pool" in layer.name}
    assert pools == {"node3_pool1": (4, 4), "node3_pool2": (2, 2)}
    assert [layer.name for layer in model.layers if "project" in layer.name] == ["node3_project1"]
    assert model.get_layer("node3_add").output.shape == (None, 2, 2, 6)


@pytest.mark.parametrize("size", [5, 7, 9, 11, 28, 105])
def test_maps_of_odd_sizes_are_brought_to_the_smallest(size: int) -> None:
    info = TaskInfo("odd", (size, size + 2, 1), IMAGES.heads)
    blueprint = graph(
        {"a": module(0), "b": module(0), "c": module(1)},
        [("input", "a"), ("a", "b"), ("input", "c"), ("a", "c"), ("b", "c"), ("c", "output")],
    )
    spec = network(blueprint, chain(convolution(), POOL), chain(convolution()))
    assert build(spec, info, 0).count_params() == parameter_count(spec, info)


def test_pooling_is_dropped_where_the_map_is_too_small() -> None:
    blueprint = chain(*[module(0)] * 6)
    spec = network(blueprint, chain(convolution(), POOL))
    model = build(spec, IMAGES, 0)
    assert sum("maxpooling" in layer.name for layer in model.layers) == 3
    assert model.get_layer("readout").output.shape == (None, 4)


def test_instances_of_a_module_have_weights_of_their_own_unless_shared() -> None:
    blueprint = chain(module(0), module(0), module(0))
    own = build(network(blueprint, chain(convolution(4))), IMAGES, 0)
    spec = network(blueprint, chain(convolution(4)), share_weights=True)
    shared = build(spec, IMAGES, 0)
    kernels = [w for w in own.get_weights() if w.ndim == 4]
    assert len(kernels) == 3
    assert not np.array_equal(kernels[1], kernels[2])
    # The first instance has one input channel, the other two have four and are the same layer.
    assert sum(w.ndim == 4 for w in shared.get_weights()) == 2
    assert shared.count_params() == parameter_count(spec, IMAGES) == own.count_params() - (4 * 9 + 1) * 4


def test_an_int_input_is_embedded() -> None:
    model = build(random_spec("text", 0), TEXT, 0)
    assert model.get_layer("embedding").input_dim == 50


def test_a_softmax_head_is_the_output_itself() -> None:
    """Regression for a peer's bug: a softmax head trained with ``from_logits``: outputs are probabilities."""
    model = build(random_spec("images", 0), IMAGES, 0)
    np.testing.assert_allclose(np.sum(model(batch(IMAGES)), axis=1), 1, atol=1e-5)


def test_layer_names_are_readable_and_the_model_saves() -> None:
    blueprint = chain(module(0), module(1))
    model = build(network(blueprint, chain(convolution(), POOL), chain(convolution())), IMAGES, 0)
    assert [layer.name for layer in model.layers] == [
        "input",
        "node1_module1_conv2d1",
        "node1_module1_maxpooling2d1",
        "node2_module2_conv2d1",
        "readout",
        "class",
    ]


def damaged(change: str) -> dict[str, Any]:
    blueprint = graph({"a": module(0), "b": module(0)}, [("input", "a"), ("a", "b"), ("b", "output")])
    spec = network(blueprint, chain(convolution()))
    edges = spec["blueprint"]["edges"]
    if change == "cycle":
        edges.append(["node2", "node1"])
    elif change == "dead end":
        edges.remove(["node2", "output"])
        edges.append(["node1", "output"])
    elif change == "no merge":
        edges.append(["input", "node2"])
    elif change == "no module":
        del spec["modules"]["module1"]
    elif change == "unknown gene":
        spec["modules"]["module1"]["layers"][0]["genes"]["stride"] = 2
    elif change == "kind":
        spec["kind"] = "architecture"
    elif change == "readout":
        spec["readout"] = "sum"
    return spec


@pytest.mark.parametrize(
    ("change", "part"),
    [
        ("cycle", "cycle"),
        ("dead end", "no path"),
        ("no merge", "no 'merge'"),
        ("no module", "module1"),
        ("unknown gene", "stride"),
        ("kind", "kind"),
        ("readout", "readout"),
    ],
)
def test_specs_that_are_no_networks_are_refused_with_a_reason(change: str, part: str) -> None:
    with pytest.raises(SpecError, match=part):
        build(damaged(change), IMAGES, 0)
