"""``gondwana compare``, ``report`` and ``serve``: what they print, and one line for every mistake."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from gondwana.nas import cli
from gondwana.nas.report.data.compare_run import compare_run, compare_table
from gondwana.nas.report.report import load_run

pytestmark = pytest.mark.slow

Result = tuple[int, str, str]
"""Exit code, standard output, standard error."""


@pytest.fixture
def gondwana(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Callable[..., Result]:
    """Return what runs a command line."""

    def run(*arguments: object) -> Result:
        monkeypatch.setattr(sys, "argv", ["gondwana", *map(str, arguments)])
        with pytest.raises(SystemExit) as ended:
            cli.main()
        captured = capsys.readouterr()
        return int(ended.value.code or 0), captured.out, captured.err

    return run


@pytest.fixture
def table(tmp_path: Path) -> Path:
    rows = [
        f"{group},f{i},{0.5 + 0.01 * i + shift}" for group, shift in (("a", 0), ("b", 0.1)) for i in range(12)
    ]
    file = tmp_path / "results.csv"
    file.write_text("strategy,function,accuracy\n" + "\n".join(rows) + "\n", encoding="utf-8")
    return file


def test_a_table_gives_statistics(gondwana: Callable[..., Result], table: Path) -> None:
    code, out, _ = gondwana(
        "compare", table, "--group", "strategy", "--value", "accuracy", "--baseline", "0.65"
    )
    assert code == 0
    assert "Brunner-Munzel p" in out
    assert "above 0.6500" in out
    code, out, _ = gondwana(
        "compare", table, "--group", "strategy", "--value", "accuracy", "--subject", "function"
    )
    assert "b is better than a" in out
    assert "Wilcoxon signed-rank" in out


def test_tables_are_printed_as_latex(gondwana: Callable[..., Result], table: Path) -> None:
    code, out, _ = gondwana("compare", table, "--group", "strategy", "--value", "accuracy", "--latex")
    assert code == 0
    assert out.startswith(r"\begin{tabular}")


def test_a_finished_run_is_compared_and_reported(
    gondwana: Callable[..., Result], make_comparison: Callable[..., Path]
) -> None:
    path = make_comparison()
    code, out, _ = gondwana("compare", path, "--correction", "bh")
    assert code == 0
    assert "Benjamini-Hochberg-corrected over 3 comparison(s)" in out
    assert (path / "edf.svg").exists()
    assert (path / "report.html").exists()


@pytest.mark.parametrize("paired", [True, False])
def test_the_compared_values_can_be_written_and_compared_again(
    gondwana: Callable[..., Result], make_comparison: Callable[..., Path], tmp_path: Path, paired: bool
) -> None:
    file = tmp_path / "values.csv"
    path = make_comparison(paired=paired)
    assert gondwana("compare", path, "--values", tmp_path / "values.jsonl")[0] == 0
    assert gondwana("compare", path, "--values", file)[0] == 0
    lines = (tmp_path / "values.jsonl").read_text(encoding="utf-8").splitlines()
    assert len(lines) == len(file.read_text(encoding="utf-8").splitlines()) - 1
    subject = ["--subject", "subject"] if paired else []
    columns = ["--group", "strategy", "--value", "value", *subject]
    again = compare_table(file, **_options(columns), chance=37 / 360, margin=0.02, baseline=0.9)
    found = compare_run(load_run(path)).comparison
    assert found is not None
    assert again.to_frame().to_csv() == found.to_frame().to_csv()
    assert again.verdicts() == found.verdicts()


def _options(arguments: list[str]) -> dict[str, str]:
    return {
        name.removeprefix("--"): value for name, value in zip(arguments[::2], arguments[1::2], strict=True)
    }


def test_several_runs_are_reported_on_one_page(
    gondwana: Callable[..., Result],
    make_comparison: Callable[..., Path],
    evolution: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    comparison = make_comparison()
    assert gondwana("report", comparison, evolution) == (0, "comparison.html\n", "")
    assert "2 runs compared" in (tmp_path / "comparison.html").read_text(encoding="utf-8")
    assert gondwana("report", comparison, evolution, "--out", "page.html")[1] == "page.html\n"
    code, out, _ = gondwana("report", evolution)
    assert (code, out.strip()) == (0, str(evolution / "report.html"))


def test_several_runs_are_compared(
    gondwana: Callable[..., Result], make_comparison: Callable[..., Path], tmp_path: Path
) -> None:
    first = make_comparison(functions=8)
    second = tmp_path / "second"
    shutil.copytree(first, second)
    values, page = tmp_path / "values.csv", tmp_path / "page.html"
    code, out, _ = gondwana(
        "compare", first, second, "--values", values, "--out", page, "--correction", "none"
    )
    assert code == 0
    assert "not corrected over 15 comparison(s)" in out
    assert "second: autoinit++" in values.read_text(encoding="utf-8")
    assert page.exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["compare", "results.csv"], "--group and --value"),
        (["compare", "results.csv", "--group", "strategy", "--value", "acc"], "no column 'acc'"),
        (["compare", "missing.csv", "--group", "a", "--value", "b"], "there is no such file"),
        (["compare", "missing.yaml"], "missing.yaml"),
        (["compare", "missing.yaml", "--group", "a"], "--group can be given for CSV files only"),
        (["compare", "."], "not a run folder"),
        (["compare", ".", "--set", "seed=1"], "is a run already"),
        (["compare", ".", "results.csv"], "not a run folder"),
        (["compare", ".", "x", "--group", "a"], "several runs: --group can be given for CSV files only"),
        (["compare", "results.csv", "--out", "x"], "--out can be given for several runs only"),
        (["compare", "results.csv", "--values", "x"], "--values can be given for runs and configs only"),
        (["compare", ".", "--margin", "0.1"], "--margin can be given for CSV files only"),
        (["compare", ".", "--ray-address", "auto"], "--ray-address can be given for configs only"),
        (["compare", "x", "x"], "not with itself: x"),
        (["report", ".", "./"], "not with itself"),
        (["report", ".", "--out", "x"], "--out belongs to several runs"),
        (["report", "."], "not a run folder"),
        (["report", "missing"], "no such run folder"),
        (["serve", "."], "not a run folder"),
    ],
)
def test_a_mistake_is_one_line_and_exit_code_2(
    gondwana: Callable[..., Result],
    table: Path,
    monkeypatch: pytest.MonkeyPatch,
    arguments: list[str],
    message: str,
) -> None:
    monkeypatch.chdir(table.parent)
    code, out, err = gondwana(*arguments)
    assert code == 2
    assert out == ""
    assert message in err
    assert err.startswith("gondwana: ")
    assert err.count("\n") == 1
    assert sorted(path.name for path in table.parent.iterdir()) == ["results.csv"]


def test_a_config_that_compares_nothing_is_sent_to_evolve(
    gondwana: Callable[..., Result],
) -> None:
    config = Path(__file__).resolve().parents[3] / "configs" / "random-digits.yaml"
    code, _, err = gondwana("compare", config)
    assert code == 2
    assert "search.kind is 'random'; run it with gondwana evolve" in err


def test_a_comparison_runs_in_the_drivers_own_process(tmp_path: Path) -> None:
    """In a fresh process: its checks build a network, after which the framework's threads cannot be set."""
    config = Path(__file__).resolve().parents[3] / "configs" / "compare-digits.yaml"
    changes = ["engine.pool=local", "search.functions=1", "search.baseline_replicates=0", "training.epochs=1"]
    options = [word for change in changes for word in ("--set", change)]
    code = "import sys; from gondwana.nas.cli import main; sys.argv[0] = 'gondwana'; main()"
    command = [
        sys.executable,
        "-c",
        code,
        "compare",
        str(config),
        "--run-dir",
        str(tmp_path / "run"),
        *options,
    ]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr
    assert "Report: " in done.stdout
