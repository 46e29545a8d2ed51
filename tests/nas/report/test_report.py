"""report.html: complete, self-contained, escaped, for finished and unfinished runs."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path

import pytest

from gondwana.nas.candidate import Candidate, Outcome, State
from gondwana.nas.engine.records.run_folder import RunFolderError
from gondwana.nas.report.page.page import LIBRARY
from gondwana.nas.report.page.templates import asset
from gondwana.nas.report.report import load_run, render, write_report
from tests.helpers.runs import HOSTILE, spec, write_run

VOID = {"link", "meta", "input", "img", "br", "hr"}


class Document(HTMLParser):
    """Collects elements, checks that they are nested properly, and keeps text outside scripts and styles."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.scripts: list[str] = []
        self.text = ""
        self._open: list[str] = []
        self.feed(text)
        self.close()
        assert self._open == [], f"not closed: {self._open}"

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self._open and self._open.pop() == tag, f"</{tag}> closes nothing"

    def handle_data(self, data: str) -> None:
        if self._open and self._open[-1] == "script":
            self.scripts.append(data)
        elif self._open and self._open[-1] != "style":
            self.text += data + " "


def without_plotly(text: str) -> str:
    return text.replace(asset(LIBRARY), "")


@pytest.fixture
def evolution_page(evolution: Path) -> str:
    return without_plotly(write_report(evolution).read_text(encoding="utf-8"))


def test_nothing_of_a_run_is_markup(evolution_page: str) -> None:
    document = Document(evolution_page)
    assert not [tag for tag, _ in document.elements if tag == "img"]
    assert HOSTILE in document.text
    assert all("alert(" not in script or script.lstrip().startswith("{") for script in document.scripts)
    assert "onerror=alert(1)>" not in evolution_page


def test_nothing_is_loaded_from_anywhere(evolution_page: str) -> None:
    document = Document(evolution_page)
    for tag, attributes in document.elements:
        assert (attributes.get("src") or "data:").startswith("data:"), tag
        assert (attributes.get("href") or "#").startswith(("#", "data:")), (tag, attributes)
        assert tag not in {"iframe", "object", "embed", "base"}
    style = re.search(r"<style>(.*?)</style>", evolution_page, re.DOTALL)
    assert style is not None
    assert "url(" not in style.group(1)
    assert "@import" not in style.group(1)
    assert "http" not in re.sub(r"http-equiv", "", evolution_page)
    policy = next(
        a["content"] for tag, a in document.elements if a.get("http-equiv") == "Content-Security-Policy"
    )
    assert policy is not None
    assert "default-src 'none'" in policy
    assert "connect-src 'none'" in policy


def test_the_page_is_small(evolution: Path) -> None:
    assert len(write_report(evolution).read_bytes()) < 1_500_000


def test_every_section_says_what_the_run_recorded(evolution_page: str) -> None:
    text = Document(evolution_page).text
    for expected in (
        "18 candidates, 14 results, 4 failures",
        "test, measured once",
        "accuracy 0.9200",
        "best.keras",
        "out_of_memory",
        "timed_out",
        "keras 3.15.1",
        "1 answered without training",
        "gondwana export",
        "1 diverged: results, scored at chance. 1 refused before training. 3 failures of the infrastructure",
    ):
        assert expected in text, expected


def test_every_figure_has_data_and_a_place(evolution_page: str) -> None:
    document = Document(evolution_page)
    places = [attributes["data-source"] for _, attributes in document.elements if "data-source" in attributes]
    sources = {a["id"]: None for tag, a in document.elements if tag == "script" and "id" in a}
    assert len(places) >= 3
    assert set(places) == set(sources)
    figures = [json.loads(script) for script in document.scripts if script.startswith("{")]
    assert len(figures) == len(places)
    assert all(figure["data"] for figure in figures)


def test_the_page_adapts_to_phones_and_to_dark_mode(evolution_page: str) -> None:
    assert 'content="width=device-width, initial-scale=1"' in evolution_page
    assert "prefers-color-scheme: dark" in evolution_page
    assert "@media (max-width" in evolution_page


@pytest.mark.parametrize("paired", [True, False])
def test_a_comparison_reports_tables_and_a_sentence_for_each_pair(
    make_comparison: Callable[..., Path], paired: bool
) -> None:
    path = make_comparison(paired=paired)
    page = without_plotly(write_report(path).read_text(encoding="utf-8"))
    document = Document(page)
    verdicts = [a for _, a in document.elements if a.get("class") == "verdict"]
    assert len(verdicts) == 3
    primary = "Wilcoxon signed-rank" if paired else "Brunner-Munzel"
    assert f"({primary}, Holm-corrected)" in document.text
    assert "The baseline to beat is 0.9000, the mean of 0.9000, 0.9000" in document.text
    assert "How to reproduce each number" in document.text
    assert ("The same subjects" in document.text) == paired


def test_an_unfinished_comparison_is_reported_as_far_as_it_is(make_comparison: Callable[..., Path]) -> None:
    document = Document(without_plotly(render(load_run(make_comparison(told=1)))))
    assert "nothing to compare yet" in document.text


@pytest.mark.parametrize("told", [0, 3, 4, 5, 11])
def test_any_prefix_of_a_run_can_be_reported(make_comparison: Callable[..., Path], told: int) -> None:
    Document(without_plotly(render(load_run(make_comparison(told=told)))))


def test_reading_a_run_changes_nothing_in_its_folder(evolution: Path) -> None:
    before = {
        path.name: path.read_bytes()
        for path in evolution.iterdir()
        if not path.name.startswith("run.sqlite-")
    }
    render(load_run(evolution))
    after = {
        path.name: path.read_bytes()
        for path in evolution.iterdir()
        if not path.name.startswith("run.sqlite-")
    }
    assert before == after


def test_a_folder_that_is_no_run_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RunFolderError, match=r"not a run folder"):
        write_report(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_damaged_environment_file_is_named(evolution: Path) -> None:
    (evolution / "environment.json").write_text("{", encoding="utf-8")
    assert "environment.json is damaged" in render(load_run(evolution))


def test_a_sweep_is_reported_by_axis(tmp_path: Path) -> None:
    axes = [
        {"key": "training.learning_rate", "values": [0.001, 0.1]},
        {"key": "activation", "values": ["elu(x)", HOSTILE]},
    ]
    points = [{axis["key"]: value} for axis in axes for value in axis["values"]]
    candidates, outcomes = [], []
    for number, changes in enumerate(points):
        for position, strategy in enumerate(("glorot_uniform", "autoinit")):
            for _ in range(2):
                id = len(candidates)
                origin = {"role": "point", "strategy": strategy, "point": number, "changes": changes}
                candidates.append(Candidate(id, 0, spec("relu(x)", strategy, id), origin))
                fitness = 0.1 if number == 1 and position == 0 else 0.8 + 0.01 * id
                outcomes.append(Outcome(id, State.COMPLETED, fitness=fitness))
    config = {
        "name": "sweep",
        "task": {"name": "digits"},
        "search": {"kind": "sweep", "axes": axes, "margin": 0.02},
    }
    document = Document(
        without_plotly(render(load_run(write_run(tmp_path / "r", config, candidates, outcomes))))
    )
    assert "Fitness against training.learning_rate" in document.text
    assert "glorot_uniform beats chance (mean above 0.123) at 0.001." in document.text
    assert "autoinit beats chance (mean above 0.123) at 0.001, 0.1." in document.text
    assert "Wilcoxon signed-rank" in document.text
    assert json.dumps(HOSTILE) in document.text


def test_a_regression_is_reported_by_its_metric(tmp_path: Path) -> None:
    table = tmp_path / "rows.csv"
    table.write_text("x,y\n" + "\n".join(f"{i},{i % 7}" for i in range(60)) + "\n", encoding="utf-8")
    task = {"name": "table", "options": {"path": str(table), "target": "y", "numeric": ["x"]}}
    config = {"name": "r", "task": task, "search": {"kind": "pangaea"}}
    candidates = [Candidate(0, 0, spec("relu(x)", "autoinit"), {})]
    run = load_run(write_run(tmp_path / "r", config, candidates, [Outcome(0, State.COMPLETED, 0.5)]))
    text = Document(without_plotly(render(run))).text
    assert "highest in the search: validation r2 score 0.5000" in text
    assert "r2 score on the validation split" in text
    assert "accuracy" not in text


def test_every_point_of_a_grid_has_a_row(tmp_path: Path) -> None:
    axes = [{"key": "a", "values": [1, 2]}, {"key": "b", "values": [True, False]}]
    candidates, outcomes = [], []
    for number, (a, b) in enumerate([(1, True), (1, False), (2, True), (2, False)]):
        for strategy in ("he_normal", "autoinit"):
            origin = {"role": "point", "strategy": strategy, "point": number, "changes": {"a": a, "b": b}}
            candidates.append(Candidate(len(candidates), 0, spec("relu(x)", strategy, number), origin))
            outcomes.append(Outcome(len(outcomes), State.COMPLETED, 0.1 * len(candidates)))
    search = {"kind": "sweep", "design": "grid", "axes": axes, "margin": 0.02}
    config = {"name": "grid", "task": {"name": "digits"}, "search": search}
    page = without_plotly(render(load_run(write_run(tmp_path / "r", config, candidates, outcomes))))
    assert "<tr><td>1</td><td>false</td><td>0.3000</td><td>0.4000</td></tr>" in page
    assert "mean over replicates and the values of the other axes" in Document(page).text
