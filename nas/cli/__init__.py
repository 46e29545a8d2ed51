"""The ``gondwana`` command.

One file per group of commands. Whatever is slow to import (Keras, Ray, pandas) is imported inside a command, so that
``gondwana --help`` answers at once.
"""

from __future__ import annotations

import importlib
import os
import sys
from typing import Annotated

import typer

from gondwana.nas.cli import runs, watch

DEBUG = "GONDWANA_DEBUG"
"""Environment variable; when set, errors are shown with their traceback."""

PLUGINS = "GONDWANA_PLUGINS"
"""Environment variable; files and modules of the user's own tasks and layer types, loaded first."""

app = typer.Typer(
    help="Search for neural networks and activation functions, every candidate initialized analytically.",
    no_args_is_help=True,
    add_completion=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


def _print_version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        typer.echo(f"gondwana {version('gondwana')}")
        raise typer.Exit


Version = Annotated[
    bool,
    typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version and exit."),
]


@app.callback()
def _options(version: Version = False) -> None:
    pass  # options of the command itself; the callback above does the work


for _command in (
    runs.evolve,
    runs.presets,
    runs.resume,
    runs.runs,
    runs.show,
    runs.best,
    runs.export,
    watch.watch,
):
    app.command()(_command)


def _mount(module: str, *, group: str | None = None, commands: tuple[str, ...] = ()) -> None:
    """Add the commands of a module of this package: its ``app`` as a group, or single functions."""
    found = importlib.import_module(f"{__name__}.{module}")
    if group is not None:
        app.add_typer(found.app, name=group)
    for command in commands:
        app.command()(getattr(found, command))


_mount("report", commands=("compare", "report", "serve"))
_mount("activations", group="activations")
_mount("init", commands=("init", "signals"))
_mount("new", commands=("new", "check"))
_mount("deliver", commands=("predict",))
_mount("schema", commands=("schema",))


def main() -> None:
    """Run the command line. Mistakes of the user and failures of a run end in one line on stderr, not in a traceback.

    Exit codes: 0 done, 1 the run could not go on (it can be resumed), 2 a mistake of the user, 130 interrupted.
    """
    try:
        if os.environ.get(PLUGINS):
            from gondwana.nas.plugins import environment_plugins, load_plugins

            load_plugins(environment_plugins())
        app()
    except KeyboardInterrupt:
        _complain("interrupted; what is recorded is kept")
        code = 130
    except ValueError as error:
        _complain(str(error))
        code = 2
    except (RuntimeError, OSError) as error:
        _complain(str(error) or type(error).__name__)
        code = 1
    else:
        code = 0
    sys.exit(code)


def _complain(message: str) -> None:
    if os.environ.get(DEBUG) and isinstance(sys.exception(), Exception):
        raise
    typer.echo(f"gondwana: {' '.join(message.split())}", err=True)
