"""The JSON schema of config files, by which editors complete and check them while they are written.

It is made from the models that read a config, so that the two cannot differ; what the keys mean is in the docstrings of
these models. A schema knows shapes and ranges; what only the project knows (names of tasks, options of one, keys that
contradict each other) is left to ``gondwana check``.
"""

from __future__ import annotations

import inspect
import re
from typing import Any

from pydantic import TypeAdapter

from gondwana.nas.candidate import Json
from gondwana.nas.config.schema import RunConfig
from gondwana.tasks.training.augmentation import Augmentation
from gondwana.tasks.training.recipe import Recipe
from gondwana.tasks.training.schedules import Schedule

DIALECT = "https://json-schema.org/draft/2020-12/schema"

_ROLE = re.compile(r":\w+:`~?([^`]*)`")


def config_schema() -> Json:
    """Return the schema (JSON Schema, draft 2020-12) of what :func:`~gondwana.nas.config.schema.load_config` reads."""
    schema = RunConfig.model_json_schema(mode="validation")
    definitions = schema.pop("$defs")
    definitions["Training"], inner = _training()
    definitions |= inner
    for part in [schema, *definitions.values()]:
        _explain(part)
    schema["properties"]["training"] |= {"$ref": "#/$defs/Training"}
    del schema["properties"]["training"]["additionalProperties"]
    schema["required"].remove("name")  # a file without one is called as the file
    task = definitions["TaskConfig"]["properties"]
    task["metric"] = {
        "type": "string",
        "description": "What the fitness is in place of the task's own metric.",
    }
    task["file"] = {
        "type": "string",
        "description": "Python file, relative to the config's, that registers the task.",
    }
    definitions["Plugin"] = {"anyOf": [{"type": "string"}, definitions["Plugin"]]}
    return {"$schema": DIALECT, **schema, "title": "Config of a run of Gondwana", "$defs": definitions}


def _training() -> tuple[Json, dict[str, Json]]:
    """Return the schema of the section ``training``, and those that it refers to."""
    found = TypeAdapter(Recipe).json_schema(ref_template="#/$defs/{model}")
    inner = found.pop("$defs", {})
    for part, kind in ((found, Recipe), (inner["Schedule"], Schedule), (inner["Augmentation"], Augmentation)):
        part["additionalProperties"] = False
        part["description"] = inspect.getdoc(kind)
    named = {"type": "string", "description": "Name of a schedule; its other values have their defaults."}
    found["properties"]["schedule"] = {"anyOf": [named, {"$ref": "#/$defs/Schedule"}]}
    return found, inner


def _explain(part: dict[str, Any]) -> None:
    """Give each property the words of its class's docstring, and the class its first paragraph."""
    text = part.get("description", "")
    head, _, attributes = text.partition("\nAttributes:\n")
    part["description"] = _plain(head)
    properties = part.get("properties", {})
    for name, words in _attributes(attributes).items():
        if name in properties:
            properties[name]["description"] = words
    for value in properties.values():
        value.pop("title", None)


def _attributes(text: str) -> dict[str, str]:
    """Return what a docstring says of each attribute; several may share a line."""
    indent = min((len(line) - len(line.lstrip()) for line in text.splitlines() if line.strip()), default=0)
    found: dict[str, str] = {}
    for item in re.split(rf"\n(?=\s{{{indent}}}\S)", "\n" + text):
        names, separator, words = item.strip().partition(": ")
        if separator:
            found |= dict.fromkeys((name.strip() for name in names.split(",")), _plain(words))
    return found


def _plain(text: str) -> str:
    """Return prose of a docstring without its markup and line breaks."""
    return " ".join(_ROLE.sub(r"\1", text).replace("``", "").split())
