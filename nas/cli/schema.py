"""``gondwana schema``: what an editor needs to complete and check a config."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer


def schema(
    out: Annotated[
        Path | None, typer.Option(help="File for the schema; standard output if left out.")
    ] = None,
) -> None:
    """Write the JSON schema of config files, by which editors complete and check them."""
    from gondwana.nas.config.json_schema import config_schema

    text = json.dumps(config_schema(), indent=2) + "\n"
    if out is None:
        typer.echo(text, nl=False)
        return
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(text, encoding="utf-8")
    typer.echo(f"wrote {out}; in an editor with YAML's language server, begin a config with")
    typer.echo(f"  # yaml-language-server: $schema={out}")
