"""What can be said of accessibility without a browser: order of headings, names of figures, tables and pictures,
contrast computed from the style sheet. ``test_browser.py`` has axe check the rest where there is a Chromium."""

from __future__ import annotations

import re
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import pytest

from gondwana.nas.report.page.templates import asset
from gondwana.nas.report.report import load_run, render
from tests.nas.report.test_report import Document, without_plotly

STYLE = asset("style.css")
AA = 4.5


@pytest.fixture(params=["evolution", "comparison"])
def document(request, evolution: Path, make_comparison: Callable[..., Path]) -> Document:
    path = evolution if request.param == "evolution" else make_comparison(functions=4)
    return Document(without_plotly(render(load_run(path))))


def test_headings_go_down_by_one_level_at_a_time(document: Document) -> None:
    levels = [int(tag[1]) for tag, _ in document.elements if re.fullmatch(r"h[1-6]", tag)]
    assert levels[0] == 1 and levels.count(1) == 1
    assert all(after - before <= 1 for before, after in pairwise(levels))


def test_whatever_is_no_text_has_a_name(document: Document) -> None:
    for tag, attributes in document.elements:
        if attributes.get("class") in ("figure", "scroll", "family") or tag == "svg":
            assert attributes.get("aria-label"), (tag, attributes)
            assert attributes.get("role"), (tag, attributes)
        if tag == "img":
            assert attributes.get("alt"), attributes
        if tag == "input":
            assert attributes.get("aria-label"), attributes
        if tag == "th":
            assert attributes.get("scope") in ("col", "row")
        if attributes.get("class") == "scroll" or tag == "pre":
            assert attributes.get("tabindex") == "0", "what scrolls can be reached by the keyboard"
    assert any(tag == "html" and a.get("lang") == "en" for tag, a in document.elements)


def test_ids_are_unique(document: Document) -> None:
    ids = [attributes["id"] for _, attributes in document.elements if "id" in attributes]
    assert len(ids) == len(set(ids))


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_colours_contrast(scheme: str) -> None:
    blocks = re.findall(r":root \{([^}]*)\}", STYLE)
    assert len(blocks) == 2
    colors = dict(re.findall(r"--(\w+):\s*(#[0-9a-f]{6})", blocks[scheme == "dark"]))
    ground, soft, text, accent = (colors[name] for name in ("ground", "soft", "text", "accent"))
    for front, back in (
        (text, ground),
        (text, soft),
        (accent, ground),
        (accent, soft),
        (colors["alarm"], ground),
    ):
        assert contrast(front, back) >= (AA if front != colors["alarm"] else 3), (front, back)
    for percent in re.findall(r"\.shade-\d \{ background: color-mix\(in srgb, var\(--accent\) (\d+)%", STYLE):
        assert contrast(text, mixed(accent, ground, int(percent) / 100)) >= AA
    note = re.search(r"\.note \{ color: color-mix\(in srgb, var\(--text\) (\d+)%", STYLE)
    assert note is not None
    assert contrast(mixed(text, ground, int(note.group(1)) / 100), ground) >= AA


def channels(color: str) -> list[int]:
    return [int(color[at : at + 2], 16) for at in (1, 3, 5)]


def mixed(front: str, back: str, share: float) -> str:
    parts = [round(share * a + (1 - share) * b) for a, b in zip(channels(front), channels(back), strict=True)]
    return "#" + "".join(f"{part:02x}" for part in parts)


def contrast(first: str, second: str) -> float:
    """Contrast of two colours as the accessibility guidelines (WCAG) define it."""

    def luminance(color: str) -> float:
        shares = [part / 255 for part in channels(color)]
        linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in shares]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    light, dark = sorted((luminance(first), luminance(second)), reverse=True)
    return (light + 0.05) / (dark + 0.05)
