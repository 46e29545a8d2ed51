"""``gondwana new``: a config for a table of one's own, with what was inferred written beside it. ``gondwana check``."""

from __future__ import annotations

import textwrap
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from gondwana.nas.cli.quiet import load_keras

if TYPE_CHECKING:
    from gondwana.nas.config.schema import RunConfig

GENERATIONS = 4
SHOWN = 3
"""Candidates that ``gondwana check`` draws."""


class NewConfigError(ValueError):
    """The config cannot be written."""


def new(
    data: Annotated[Path, typer.Option(help="A CSV file with a header line.")],
    target: Annotated[str, typer.Option(help="The column to predict.")],
    out: Annotated[
        Path | None, typer.Option(help="Where the config goes; the name of the data with .yaml without it.")
    ] = None,
    metric: Annotated[
        str | None, typer.Option(help="What the search selects by, such as roc_auc or mae.")
    ] = None,
) -> None:
    """Write a commented config that searches for a network for a table of your own."""
    path = Path(f"{data.stem}.yaml") if out is None else out
    if path.exists():
        raise NewConfigError(f"{path} exists already; give another file with --out, or remove it")
    if path.suffix not in (".yaml", ".yml"):
        raise NewConfigError(f"--out names a .yaml file. Received: {str(path)!r}")
    load_keras()
    from gondwana import tasks
    from gondwana.nas.searches.defaults import default_search, default_training

    options: dict[str, Any] = {"path": str(data.resolve()), "target": target}
    task = tasks.get("table", metric=metric, **options).resolved()
    rows = len(task.search_data().train)
    shape = task.info.input_shape
    task_section = {"name": "table", **({"metric": metric} if metric else {}), "options": options}
    parts = {
        "task": task_section,
        "training": default_training(rows, shape),
        "search": default_search(shape),
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    name = "".join(c if c.isalnum() or c in "._-" else "-" for c in path.stem).lstrip("._-")[:60] or "table"
    path.write_text(_text(name, parts, task.describe(), rows, path), encoding="utf-8")
    for line in task.describe():
        typer.echo(f"  {line}")
    typer.echo(f"wrote {path}; next: gondwana evolve {path}")


def _text(name: str, parts: dict[str, Any], inferred: tuple[str, ...], rows: int, path: Path) -> str:
    """Return the config as YAML with comments."""
    columns = "\n".join(textwrap.indent("\n".join(textwrap.wrap(line, 110)), "#   ") for line in inferred)
    task, training, search = (_yaml({key: parts[key]}) for key in ("task", "training", "search"))
    return (
        f"# A search for a network that predicts {parts['task']['options']['target']!r}. Run it with\n"
        f"#     gondwana evolve {path}\n"
        f"name: {name}\n"
        f"seed: 0\n"
        f"generations: {GENERATIONS}  # or a time: `time_budget: 10m`\n\n"
        f"# What the columns were taken for, by the {rows} training rows; `columns: {{NAME: category}}` among the\n"
        f"# options says otherwise (number, category, boolean, date, text, or drop to leave a column out):\n"
        f"{columns}\n"
        f"# Another fitness than accuracy or R squared: `metric: roc_auc` beside the name (docs/tasks.md, Metrics).\n"
        f"{task}\n"
        f"# Of each candidate. Also: class_weight: balanced, early_stopping: 5, label_smoothing: 0.1.\n"
        f"{training}\n"
        f"# What networks are made of, and how many: evaluations x blueprints in each generation.\n"
        f"{search}\n"
        f"# The best three are trained again with three seeds each; the best in the mean is scored on the test rows.\n"
        f"finalists: {{count: 3, seeds: 3}}\n"
    )


def _yaml(section: dict[str, Any]) -> str:
    import yaml

    return yaml.safe_dump(section, sort_keys=False, width=110, allow_unicode=True, default_flow_style=None)


def check(
    config: Annotated[str, typer.Argument(metavar="CONFIG", help="A config file, or the name of a preset.")],
    set_: Annotated[
        list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="Override a key; may be repeated.")
    ] = None,
    data_dir: Annotated[Path | None, typer.Option(help="Folder that holds a folder per dataset.")] = None,
) -> None:
    """Check a config and its data without training: splits, number of candidates, the first ones, an estimate."""
    load_keras()
    from gondwana.nas.config.schema import load_config
    from gondwana.nas.engine.preview import preview

    found: RunConfig = load_config(config, set_ or ())
    for line in preview(found, data_dir, SHOWN):
        typer.echo(line)
