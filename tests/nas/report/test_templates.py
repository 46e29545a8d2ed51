"""The templates of the report: whatever a run holds stays text, and every template is part of the package."""

from __future__ import annotations

import html
import json
import re
import tomllib
from pathlib import Path

import pytest
from jinja2 import UndefinedError
from markupsafe import Markup

from gondwana.nas.report.page.templates import ENVIRONMENT, FOLDER, render, sentence


def filled(template: str, **values: object) -> str:
    macros = '{% from "page/macros.html.j2" import definitions, table, table_of %}'
    return ENVIRONMENT.from_string(macros + template).render(**values)


def test_templates_escape_text_and_attributes_and_keep_markup() -> None:
    made = filled(
        '<a href="{{ href }}" hidden>{{ text }}{{ markup }}</a>',
        href='"><script>',
        text="<b>",
        markup=Markup("<i>x</i>"),
    )
    assert html.unescape(made) == '<a href=""><script>" hidden><b><i>x</i></a>'
    assert '"><script>' not in made and "&lt;b&gt;<i>x</i>" in made
    assert filled("{{ text }}", text="'\"&<>") == "&#39;&#34;&amp;&lt;&gt;"
    hostile = {"x": "<script>"}
    assert "<script>" not in filled("{{ table([x], [[x]], caption=x, id=x) }}", **hostile)
    assert "<script>" not in filled(
        "{{ definitions([(x, x)]) }}{{ definitions([(x, x)], code=true) }}", **hostile
    )
    assert "<script>" not in filled("{% call table_of([x], x) %}{{ x }}{% endcall %}", **hostile)
    assert "<script>" not in sentence("<script>")


def test_a_value_that_a_section_forgot_is_an_error() -> None:
    with pytest.raises(UndefinedError, match="'text' is undefined"):
        render("page/sentence.html.j2", note=False)


@pytest.mark.parametrize("path", sorted(FOLDER.rglob("*.j2")), ids=lambda path: path.stem)
def test_no_template_turns_escaping_off(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert not re.search(r"\|\s*safe\b|autoescape", text)


def test_embedded_json_cannot_end_its_script() -> None:
    text = filled("{{ value|tojson }}", value={"a": "</script><!--&"})
    assert "<" not in text
    assert json.loads(text) == {"a": "</script><!--&"}
    with pytest.raises(ValueError, match="not JSON compliant"):
        filled("{{ value|tojson }}", value=float("nan"))


def test_every_template_is_in_the_wheel() -> None:
    project = Path(__file__).resolve().parents[3] / "pyproject.toml"
    declared = tomllib.loads(project.read_text(encoding="utf-8"))["tool"]["setuptools"]["package-data"]
    package = FOLDER.parent
    packed = {
        path
        for folder in package.rglob("templates/*")
        for pattern in declared[f"gondwana.nas.report.templates.{folder.name}"]
        for path in folder.glob(pattern)
    }
    assert {path for path in FOLDER.rglob("*") if path.is_file()} <= packed
