"""Text from strangers: a clear error of one line, nothing executed, no time or memory lost."""

from __future__ import annotations

import time
import tracemalloc

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gondwana.activations import GraphActivation, GraphError, parse

HOSTILE = {
    "empty": ("", "found the end"),
    "spaces": ("  \n ", "found the end"),
    "parentheses": ("(" * 10_000, "expected an operator"),
    "nested": ("relu(" * 10_000 + "x" + ")" * 10_000, "characters"),
    "nested within the length": ("relu(" * 5000 + "x" + ")" * 5000, "deeper than 100"),
    "import": ("__import__('os').system('x')", "unexpected"),
    "import as an operator": ("__import__(x)", "unknown operator"),
    "attribute": ("x.__class__", r"unexpected '\.'"),
    "lambda": ("(lambda: 0)()", "expected an operator"),
    "format": ("{x.__init__}", "unexpected"),
    "number": ("2*x", "unexpected '2'"),
    "bare name": ("relu", r"write relu\(x\)"),
    "unclosed": ("relu(x", "found the end"),
    "closed too often": ("relu(x))", "complete"),
    "two functions": ("relu(x) relu(x)", "complete"),
    "no argument": ("relu()", "expected an operator"),
    "too many arguments": ("relu(x,x)", "takes 1 argument. Received: 2"),
    "too few arguments": ("add(x)", "takes 2 arguments. Received: 1"),
    "n-ary with one": ("sum_n(x)", "2 or more arguments. Received: 1"),
    "leading comma": ("add(,x)", "expected an operator"),
    "trailing comma": ("add(x,)", "expected an operator"),
    "two factors": ("a*b*x", "a second one"),
    "shared factor": ("add(a*x,a*x)", "used twice"),
    "factor called x": ("x*relu(x)", "complete"),
    "misspelt": ("relv(x)", "did you mean 'relu'"),
    "infix": ("relu(x)+x", "unexpected"),
    "null": ("relu(\x00x)", "unexpected"),
    "homoglyph": ("rеlu(x)", "unexpected"),  # a Cyrillic е
    "wide": (f"sum_n({','.join(['x'] * 5000)})", "more than 1000 nodes"),
    "long name": ("r" * 40_000 + "(x)", "unknown operator"),
}


@pytest.mark.parametrize(("text", "message"), HOSTILE.values(), ids=HOSTILE.keys())
def test_hostile_text(text, message):
    started = time.perf_counter()
    with pytest.raises(GraphError, match=message) as caught:
        parse(text)
    assert time.perf_counter() - started < 1
    assert len(str(caught.value)) < 300
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("value", [None, 3, b"x", ["x"]])
def test_what_is_not_text_is_refused(value):
    with pytest.raises(GraphError, match="must be a str"):
        parse(value)


@pytest.mark.slow
@settings(max_examples=500)
@given(st.text(max_size=60) | st.text(alphabet="x(),* abrelumaxn_", max_size=60))
def test_any_text_is_a_function_or_a_clear_error(text):
    try:
        graph = parse(text)
    except GraphError as error:
        assert len(str(error)) < 300
        assert str(error).isprintable()
    else:
        assert parse(str(graph)) == graph


def test_parsing_needs_little_memory():
    tracemalloc.start()
    for text, _ in HOSTILE.values():
        with pytest.raises(GraphError):
            parse(text)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 20e6


def test_a_layer_config_is_no_way_around():
    config = GraphActivation("relu(x)").get_config()
    with pytest.raises(TypeError, match="unexpected"):  # Keras wraps the GraphError
        GraphActivation.from_config({**config, "graph": "__import__('os').system('x')"})
