"""The report in a real browser: no console message, figures drawn, filter, phone width, dark mode, no network.

Needs ``pip install playwright axe-playwright-python`` and Chromium (Debian: ``apt-get install chromium``); skipped
without them.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from gondwana.nas.report.report import write_report
from gondwana.nas.report.several_report import write_several
from tests.nas.report.test_serve import serving, tell_one_more

sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
CHROMIUM = os.environ.get("CHROMIUM") or shutil.which("chromium")
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="there is no chromium")


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


class Tab:
    """A page that remembers what it complained about and what it wanted from the network."""

    def __init__(self, browser: Any, path: Path, **options: Any) -> None:
        self.context = browser.new_context(offline=True, **options)
        self.page = self.context.new_page()
        self.complaints: list[str] = []
        self.requests: list[str] = []
        self.page.on("console", lambda message: self.complaints.append(message.text))
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("dialog", lambda dialog: self.complaints.append("dialog"))
        self.page.on("request", lambda request: self.requests.append(request.url))
        self.page.goto(path.as_uri())
        self.page.wait_for_selector(".figure .main-svg")

    def __enter__(self) -> Tab:
        return self

    def __exit__(self, *_: object) -> None:
        self.context.close()


@pytest.fixture
def tab(browser: Any, evolution: Path) -> Iterator[Tab]:
    with Tab(browser, write_report(evolution)) as opened:
        yield opened


def test_the_page_is_quiet_and_asks_for_nothing(tab: Tab) -> None:
    assert tab.complaints == []
    assert [url for url in tab.requests if not url.startswith(("file:", "blob:", "data:"))] == []


def test_every_figure_is_drawn(tab: Tab) -> None:
    figures = tab.page.locator(".figure")
    assert figures.count() >= 3
    assert tab.page.locator(".figure:has(.main-svg)").count() == figures.count()


def test_the_filter_narrows_the_table(tab: Tab) -> None:
    tab.page.get_by_text("Show the table").click()
    rows = tab.page.locator("#candidates tbody tr:visible")
    assert rows.count() == 18
    tab.page.get_by_placeholder("Filter").fill("crashed")
    assert rows.count() == 1
    assert tab.page.locator("#candidates-count").inner_text() == "1 of 18 rows"


@pytest.mark.parametrize("width", [1400, 400])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_to_complain_about(browser: Any, evolution: Path, width: int, scheme: str) -> None:
    axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="axe is not installed")
    options = {"viewport": {"width": width, "height": 900}, "color_scheme": scheme}
    with Tab(browser, write_report(evolution), **options) as tab:
        tab.page.evaluate("document.querySelectorAll('details').forEach(each => { each.open = true; })")
        found = axe.Axe().run(tab.page).response["violations"]
        assert [(each["id"], each["nodes"][0]["html"][:200]) for each in found] == []
        assert tab.page.evaluate("document.documentElement.scrollWidth") <= width


def test_a_table_is_sorted_and_copied(tab: Tab) -> None:
    tab.page.get_by_text("Show the table").click()
    head = tab.page.locator("#candidates thead th", has_text="fitness")
    cells = tab.page.locator("#candidates tbody td:nth-child(4)")
    head.get_by_role("button").focus()
    tab.page.keyboard.press("Enter")
    values = [float(text) for text in cells.all_inner_texts() if text]
    assert values == sorted(values) and head.get_attribute("aria-sort") == "ascending"
    tab.page.keyboard.press("Enter")
    assert [float(text) for text in cells.all_inner_texts() if text] == values[::-1]
    assert cells.all_inner_texts()[-1] == "", "rows without a value stay at the end"
    tab.context.grant_permissions(["clipboard-read", "clipboard-write"])
    tab.page.get_by_placeholder("Filter").fill("crashed")
    tab.page.locator("section:has(#candidates) .copy").click()
    lines = tab.page.evaluate("navigator.clipboard.readText()").splitlines()
    assert len(lines) == 2 and lines[0].startswith("id\tgeneration") and "crashed" in lines[1]


@pytest.mark.parametrize("paired", [True, False])
def test_a_phone_shows_a_comparison_without_scrolling_sideways(
    browser: Any, make_comparison: Callable[..., Path], paired: bool
) -> None:
    page = write_report(make_comparison(paired=paired))
    with Tab(browser, page, viewport={"width": 360, "height": 740}, is_mobile=True) as tab:
        assert tab.page.evaluate("document.documentElement.scrollWidth") <= 360
        assert tab.complaints == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_and_figures_contrast_with_the_ground(browser: Any, evolution: Path, scheme: str) -> None:
    with Tab(browser, write_report(evolution), color_scheme=scheme) as tab:
        colors = tab.page.evaluate(
            "[getComputedStyle(document.body).color, getComputedStyle(document.body).backgroundColor, "
            "getComputedStyle(document.querySelector('.figure .xtick text')).fill]"
        )
        text, ground, label = (_luminance(color) for color in colors)
        assert (ground < 0.05) == (scheme == "dark")
        for value in (text, label):
            assert (max(value, ground) + 0.05) / (min(value, ground) + 0.05) >= 7


def _luminance(color: str) -> float:
    """Relative luminance as the accessibility guidelines (WCAG) define it."""
    channels = [int(part) / 255 for part in color[color.index("(") + 1 : -1].split(",")[:3]]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def test_a_page_follows_a_run_under_way_and_keeps_what_the_reader_did(
    browser: Any, make_comparison: Callable[..., Path]
) -> None:
    path = make_comparison(functions=4, told=8)
    complaints: list[str] = []
    with serving(path) as server:
        page = browser.new_page()
        page.on("console", lambda message: complaints.append(message.text))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.goto(server.url)
        page.wait_for_selector("html[data-live=yes]")
        page.get_by_text("Show the table").click()
        page.get_by_placeholder("Filter").fill("0.9877")
        assert page.locator("#candidates tbody tr:visible").count() == 0
        page.evaluate(
            "() => { const node = document.querySelector('.figure'); window.before = node; window.removed = 0;"
            "new MutationObserver(() => { window.removed += 1; }).observe(node, {childList: true}); }"
        )
        place = page.locator(".figure .nsewdrag").first
        place.scroll_into_view_if_needed()
        box = place.bounding_box()
        assert box is not None
        page.mouse.move(box["x"] + box["width"] / 4, box["y"] + box["height"] / 4)
        page.mouse.down()
        page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2, steps=5)
        page.mouse.up()
        zoomed = page.evaluate("window.before.layout.yaxis.range")
        assert zoomed != [0, 1.02]
        tell_one_more(path, 8)
        page.wait_for_selector("#candidates tbody tr:visible", timeout=30_000)
        assert page.locator("#candidates tbody tr:visible").count() == 1
        assert page.locator(".figure:has(.main-svg)").count() == page.locator(".figure").count()
        assert page.evaluate("window.before === document.querySelector('.figure')"), "it changes in place"
        assert page.evaluate("window.removed") == 0, "nothing of it was taken away and drawn anew"
        assert page.evaluate("window.before.layout.yaxis.range") == zoomed, "it stays where the reader zoomed"
        page.close()
    assert complaints == []


def test_a_page_of_several_runs_works_like_that_of_one(
    browser: Any, make_comparison: Callable[..., Path], evolution: Path, tmp_path: Path
) -> None:
    first = make_comparison(functions=8)
    second = tmp_path / "second"
    shutil.copytree(first, second)
    page = write_several([first, second, evolution], tmp_path / "page.html")
    with Tab(browser, page, viewport={"width": 360, "height": 740}, is_mobile=True) as tab:
        figures = tab.page.locator(".figure")
        assert tab.page.locator(".figure:has(.main-svg)").count() == figures.count() > 10
        assert tab.page.evaluate("document.documentElement.scrollWidth") <= 360
        tab.page.get_by_text("Show the table").nth(2).click()
        tab.page.get_by_placeholder("Filter").nth(2).fill("crashed")
        assert tab.page.locator("#candidates-3 tbody tr:visible").count() == 1
        assert tab.page.locator("#candidates-3-count").inner_text() == "1 of 18 rows"
        assert tab.complaints == []
        assert [url for url in tab.requests if not url.startswith(("file:", "blob:", "data:"))] == []
