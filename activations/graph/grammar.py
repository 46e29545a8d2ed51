"""The text of functions: a tokenizer, an iterative parser and a printer over plain node tuples.

    function  = [ parameter "*" ] ( "x" | operator "(" function { "," function } ")" )
    parameter = a word, used once; printed as a, b, c, ...
    operator  = the name of a registered operator

This is the notation of Act-Bench, plus the factors: ``a*sigmoid(sub(b*abs(x),arctan(c*x)))``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple, Protocol

from gondwana.activations.errors import GraphError, quoted
from gondwana.activations.operators.record import INPUT
from gondwana.activations.operators.registry import operator

MAX_DEPTH = 100
MAX_NODES = 1000
MAX_CHARACTERS = 50_000
_LETTERS = "abcdefghijklmnopqrstuvwyz"  # every letter but the input's

_TOKEN = re.compile(r"[A-Za-z_][A-Za-z0-9_]*|[(),*]")
_SPACE = re.compile(r"[ \t\r\n]*")


class NodeLike(Protocol):
    """What the printer needs to know of a node."""

    @property
    def operator(self) -> str: ...
    @property
    def arity(self) -> int: ...
    @property
    def parameter(self) -> bool: ...


class _Token(NamedTuple):
    text: str
    position: int


def excerpt(text: str) -> str:
    """Return ``text`` as it is shown in messages: quoted, one line, at most 60 characters."""
    return quoted(text)


def wrong_arity(name: str, count: int) -> str:
    """Return the message for an operator with the wrong number of arguments."""
    return f"the operator {name!r} takes {operator(name).arity_in_words}. Received: {count}"


def _tokens(text: str) -> Iterator[_Token]:
    position = _SPACE.match(text).end()  # type: ignore[union-attr]  # matches the empty text
    while position < len(text):
        match = _TOKEN.match(text, position)
        if match is None:
            raise _error(text, position, f"unexpected {quoted(text[position])}")
        yield _Token(match.group(), position)
        position = _SPACE.match(text, match.end()).end()  # type: ignore[union-attr]
    yield _Token("", len(text))


def _error(text: str, position: int, problem: str) -> GraphError:
    start = max(0, position - 20)
    near = f", near {quoted(text[start : position + 20])}" if len(text) > 60 else ""
    return GraphError(f"{problem} at character {position + 1} of {excerpt(text)}{near}")


class _Frame:
    """An operator whose arguments are being read."""

    __slots__ = ("arguments", "name", "parameter")

    def __init__(self, name: str, parameter: bool) -> None:
        self.name = name
        self.parameter = parameter
        self.arguments = 0


def read_nodes(text: str, max_depth: int, max_nodes: int) -> list[tuple[str, int, bool]]:
    """Return the nodes of ``text`` in evaluation order as (operator, arity, parameter).

    Operator names are taken as they stand; arities are those of the text.

    Raises:
        GraphError: if the text does not follow the grammar or exceeds a limit.
    """
    if not isinstance(text, str):
        raise GraphError(f"the text of a function must be a str. Received: {type(text).__name__}")
    if len(text) > MAX_CHARACTERS:
        raise GraphError(f"the text has {len(text)} characters; at most {MAX_CHARACTERS} are read")
    nodes: list[tuple[str, int, bool]] = []
    open_: list[_Frame] = []
    tokens = _tokens(text)
    names: set[str] = set()
    done = False
    for token in tokens:
        if done:  # a complete function: "," or ")" continues the operator around it
            if not open_:
                if token.text:
                    raise _error(
                        text, token.position, f"the function is complete, but {token.text!r} follows"
                    )
                return nodes
            open_[-1].arguments += 1
            if token.text == ")":
                frame = open_.pop()
                nodes.append((frame.name, frame.arguments, frame.parameter))
            elif token.text == ",":
                done = False
            else:
                raise _error(text, token.position, f"expected ',' or ')', found {_shown(token)}")
        else:
            done = _read_operand(text, token, tokens, names, nodes, open_)
        if len(nodes) + len(open_) > max_nodes:
            raise GraphError(f"the function has more than {max_nodes} nodes: {excerpt(text)}")
        if len(open_) > max_depth:
            raise GraphError(f"the function is nested deeper than {max_depth} operators: {excerpt(text)}")
    raise GraphError(f"unexpected end of {excerpt(text)}")  # pragma: no cover - the end token always decides


def _read_operand(
    text: str,
    token: _Token,
    tokens: Iterator[_Token],
    names: set[str],
    nodes: list[tuple[str, int, bool]],
    open_: list[_Frame],
) -> bool:
    """Read ``[parameter "*"]`` and ``x`` or ``operator(``; return True after ``x``, which is complete."""
    parameter = False
    while True:
        if not token.text or not (token.text[0].isalpha() or token.text[0] == "_"):
            raise _error(text, token.position, f"expected an operator or {INPUT!r}, found {_shown(token)}")
        if token.text == INPUT:
            nodes.append((INPUT, 0, parameter))
            return True
        following = next(tokens)
        if following.text == "(":
            open_.append(_Frame(token.text, parameter))
            return False
        if following.text != "*":
            hint = f"; write {token.text}(x)" if len(token.text) <= 20 else ""
            raise _error(text, following.position, f"expected '(' after {quoted(token.text)}{hint}")
        if parameter:
            raise _error(text, token.position, "an edge carries one parameter, found a second one")
        if token.text in names:
            raise _error(
                text, token.position, f"the parameter {token.text!r} is used twice; each edge has its own"
            )
        names.add(token.text)
        parameter = True
        token = next(tokens)


def _shown(token: _Token) -> str:
    return quoted(token.text) if token.text else "the end"


def parameter_name(number: int) -> str:
    """Return the canonical name of the parameter that is ``number``-th (from 0) in the text."""
    return _LETTERS[number] if number < len(_LETTERS) else f"p{number + 1}"


def parameter_numbers(nodes: Sequence[NodeLike]) -> dict[int, int]:
    """Return, by the position of the node whose edge carries it, the number of each parameter in the text.

    In the text an operator comes before its arguments: of two subexpressions the one that begins first among the nodes
    is written first, and of two that begin together the longer one, which holds the other.
    """
    positions = [i for i, node in enumerate(nodes) if node.parameter]
    if len(positions) > 1:
        positions.sort(key=lambda i: (start(nodes, i), -i))
    return {position: number for number, position in enumerate(positions)}


def start(nodes: Sequence[NodeLike], index: int) -> int:
    """Return where the subexpression that ends at ``index`` begins: it is ``nodes[start : index + 1]``."""
    missing = 1
    while True:
        missing += nodes[index].arity - 1
        if missing == 0:
            return index
        index -= 1


def format_nodes(nodes: Sequence[NodeLike]) -> str:
    """Return the canonical text of ``nodes``."""
    numbers = parameter_numbers(nodes)
    stack: list[str] = []
    for i, node in enumerate(nodes):
        text = node.operator
        if node.arity:
            text += f"({','.join(stack[len(stack) - node.arity :])})"
            del stack[len(stack) - node.arity :]
        stack.append(f"{parameter_name(numbers[i])}*{text}" if i in numbers else text)
    return stack[0]
