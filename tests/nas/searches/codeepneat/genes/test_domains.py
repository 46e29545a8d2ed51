"""Domains: sampling, changing and comparing values."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from gondwana.nas.searches.codeepneat.genes.domains import Choice, Domain, Range

PARSE = TypeAdapter(Domain)
DOMAINS = [
    Range(low=16, high=96),
    Range(low=0.0, high=0.7),
    Range(low=1e-9, high=1e-3, scale="log"),
    Range(low=1, high=64, scale="log", integer=True),
    Choice(values=("relu", "elu", "selu")),
    Choice(values=(1, 3, 5)),
]


@pytest.mark.parametrize("domain", DOMAINS, ids=str)
@given(seed=st.integers(0, 2**32 - 1))
def test_values_stay_in_the_domain_and_a_change_changes(domain: Range | Choice, seed: int) -> None:
    rng = np.random.default_rng(seed)
    value = domain.sample(rng)
    for _ in range(5):
        changed = domain.change(value, rng)
        assert domain.contains(changed)
        assert changed != value
        assert 0 <= domain.distance(value, changed) == domain.distance(changed, value) <= 1
        assert domain.distance(changed, changed) == 0
        value = changed


def test_a_log_range_is_uniform_in_the_logarithm() -> None:
    rng = np.random.default_rng(0)
    domain = Range(low=1e-4, high=1e-2, scale="log")
    logs = np.log10([float(domain.sample(rng)) for _ in range(4000)])
    # The mean of n uniform numbers on an interval of width w has the deviation w / sqrt(12 n).
    assert abs(logs.mean() + 3) < 5 * 2 / math.sqrt(12 * 4000)


def test_whole_bounds_give_whole_numbers_and_reach_both_ends() -> None:
    rng = np.random.default_rng(0)
    values = {PARSE.validate_python({"low": 1, "high": 3}).sample(rng) for _ in range(200)}
    assert values == {1, 2, 3}


@pytest.mark.parametrize(
    ("data", "part"),
    [
        ({"low": 3, "high": 1}, "less than"),
        ({"low": 0, "high": 1, "scale": "log"}, "greater than 0"),
        ({"low": 0, "high": math.inf}, "finite"),
        ({"low": 0, "high": 1, "scales": "log"}, "scales"),
        ([], "at least 1"),
        (["relu", "relu"], "once"),
    ],
)
def test_bad_domains_are_refused(data: object, part: str) -> None:
    with pytest.raises(ValidationError, match=part):
        PARSE.validate_python(data)


@pytest.mark.parametrize("domain", DOMAINS, ids=str)
def test_a_domain_survives_json(domain: Range | Choice) -> None:
    assert PARSE.validate_json(PARSE.dump_json(domain)) == domain
