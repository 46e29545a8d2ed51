"""Exported tables have one value a column: what a candidate was, and what it reached."""

from __future__ import annotations

from gondwana.nas.engine.records.columns import flat_columns

EVOLVED = {
    "task": {"name": "digits", "options": {"seed": 3}},
    "initialization": {"strategy": "autoinit", "options": {"gain": 2.0}},
    "training": {"learning_rate": 0.1, "schedule": {"kind": "cosine"}, "classes": [1, 2]},
    "model": {
        "kind": "codeepneat",
        "blueprint": {"nodes": [{"module": "b"}, {"module": "a"}, {"module": "b"}], "edges": []},
        "modules": {
            "a": {"layers": [{"type": "Dense", "genes": {"units": 4, "activation": "relu"}}]},
            "b": {"layers": [{"type": "Dense", "genes": {"units": 8, "activation": "elu"}}, {"type": "Add"}]},
        },
    },
}


def test_genes_stand_in_the_order_of_the_layers():
    found = flat_columns(EVOLVED, {}, {})
    assert found["gene.units"] == "8 4 8"
    assert found["gene.layers"] == "Dense Add Dense Dense Add"
    assert found["gene.activation"] == "elu relu elu"
    assert found["activation"] == "elu relu"


def test_nested_settings_have_columns_of_their_own():
    found = flat_columns(EVOLVED, {"blueprint": 3, "parents": {"blueprint": [1]}}, {"val_loss": 0.5})
    assert found["strategy"] == "autoinit"
    assert found["initialization.gain"] == 2.0
    assert found["training.learning_rate"] == 0.1
    assert found["training.schedule.kind"] == "cosine"
    assert found["task.options.seed"] == 3
    assert found["origin.blueprint"] == 3
    assert found["metric.val_loss"] == 0.5
    assert not {"origin.parents", "training.classes", "model.blueprint", "model.modules"} & set(found)


def test_a_fixed_architecture_has_one_activation():
    found = flat_columns({"model": {"kind": "architecture", "activation": "max(relu(x),a*x)"}}, {}, {})
    assert (found["activation"], found["model.kind"]) == ("max(relu(x),a*x)", "architecture")
    assert "model.activation" not in found


def test_a_spec_of_nothing_is_no_error():
    assert flat_columns({}, {}, {}) == {"strategy": None, "activation": None}
