"""Strategies of a config: what a spec records, and that runs of 0.1 keep their defaults."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from gondwana.nas.candidate import strategy_options
from gondwana.nas.config.schema import parse_config
from gondwana.nas.former_keys import with_first_defaults
from gondwana.nas.searches.initialization import Initialization, Strategy

OLD = {"strategy": "autoinit", "options": {}}


def test_a_spec_says_which_defaults_hold_only_where_they_decide() -> None:
    assert Strategy(strategy="autoinit").to_spec() == {**OLD, "defaults": "0.2"}
    assert Strategy(strategy="autoinit", defaults="0.1").to_spec() == OLD
    chosen = Strategy(strategy="autoinit", options={"propagation": "paper"}).to_spec()
    assert chosen == {"strategy": "autoinit", "options": {"propagation": "paper"}}
    for name in ("glorot_uniform", "autoinit-paper", "lsuv"):
        assert Strategy(strategy=name).to_spec() == {"strategy": name, "options": {}}
    assert Initialization(strategy="evolved").to_spec("default") == {"strategy": "default", "options": {}}


@pytest.mark.parametrize("strategy", ["autoinit", "autoinit++"])
def test_specs_without_a_version_propagate_by_the_papers_formulas(strategy: str) -> None:
    assert strategy_options({"strategy": strategy, "options": {}}) == {"propagation": "paper"}
    exact = {"strategy": strategy, "options": {"propagation": "exact"}}
    assert strategy_options(exact) == {"propagation": "exact"}
    assert strategy_options({"strategy": strategy, "options": {}, "defaults": "0.2"}) == {}
    assert strategy_options({"strategy": "lsuv"}) == {}


def test_a_recorded_config_keeps_the_defaults_that_its_run_began_with() -> None:
    section = {"kind": "compare", "architecture": {"name": "small_cnn"}, "strategies": [OLD], "functions": 2}
    data = {"name": "x", "task": {"name": "digits"}, "search": section}
    new = parse_config(data, source="x").search
    old = parse_config(data, source="x", recorded=True).search
    assert [item.defaults for item in (*new.strategies, *old.strategies)] == ["0.2", "0.1"]  # type: ignore[union-attr]
    again = parse_config({**data, "search": new.model_dump(mode="json")}, source="x", recorded=True)
    assert again.search == new
    nested = with_first_defaults({"search": {"evolution": {"initialization": OLD}}})
    assert nested["search"]["evolution"]["initialization"] == {**OLD, "defaults": "0.1"}


def test_another_version_is_refused() -> None:
    with pytest.raises(ValidationError, match=r"'0.1' or '0.2'"):
        Strategy.model_validate({"strategy": "autoinit", "defaults": "0.3"})
