"""The model card of a run's best network: Markdown for people, JSON for programs, the same facts."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from gondwana.nas.delivery.card_facts import facts
from gondwana.nas.delivery.exporting import Exported

SHOWN = 40
"""Columns and classes that the Markdown names; the JSON has all."""


def write_card(run: Path, exported: Exported | None = None) -> Path:
    """Write the model card and return the path of its Markdown; the JSON has the same name with ``.json``.

    Args:
        run: run folder.
        exported: what the card is for and lies beside, ``NAME.card.md``; None is the run itself, ``RUN/card.md``.

    Raises:
        NoNetworkError: if the run has no network.
    """
    found = facts(run)
    if exported is None:
        path = run / "card.md"
        found["export"] = None
    else:
        path = exported.path.with_name(f"{exported.path.name}.card.md")
        found["export"] = {**asdict(exported), "path": exported.path.name}
    path.write_text(markdown(found), encoding="utf-8")
    path.with_suffix(".json").write_text(
        json.dumps(found, indent=1, ensure_ascii=False, default=str) + "\n", encoding="utf-8"
    )
    return path


def markdown(found: Mapping[str, Any]) -> str:
    """Return the facts of :func:`gondwana.nas.delivery.card_facts.facts` as a page."""
    parts = [
        [
            f"# {found['name']}",
            "",
            f"A network found by gondwana, {found['created']}. It predicts {_answer(found)}.",
        ],
        ["## Figures", "", *_figures(found["figures"])],
        ["## Data", "", *_data(found["data"])],
        ["## Network", "", *_network(found["network"])],
        ["## Search", "", *_search(found)],
        ["## Use", "", *_use(found)],
    ]
    return "\n\n".join("\n".join(lines) for lines in parts) + "\n"


def _answer(found: Mapping[str, Any]) -> str:
    classes = found["predicts"]["classes"]
    if classes is None:
        kind = found["predicts"]["kind"]
        return "a number, in the target's own units" if kind == "number" else kind
    return f"one of {len(classes)} classes: {_listed(classes)}"


def _figures(figures: Mapping[str, Any]) -> Iterator[str]:
    def shown(value: float | None) -> str:
        return "not measured" if value is None else f"{value:.4f}"

    interval = "none"
    if figures["interval"] is not None:
        low, high = figures["interval"]
        interval = f"{low:.4f} to {high:.4f} ({100 * figures['confidence']:g}%; {figures['method']})"
    elif figures["method"]:
        interval = f"none: {figures['method']}"
    yield "| metric | validation rows | test rows, measured once | interval |"
    yield "|---|---|---|---|"
    yield f"| {figures['metric']} | {shown(figures['validation'])} | {shown(figures['test'])} | {interval} |"
    others = ", ".join(
        f"{name.removeprefix('test_')} {value:.4g}" for name, value in figures["others"].items()
    )
    if others:
        yield ""
        yield f"On the test rows: {others}."


def _data(data: Mapping[str, Any]) -> Iterator[str]:
    yield f"- task `{data['task']}`, options `{json.dumps(data['options'], ensure_ascii=False, default=str)}`"
    rows = data["rows"]
    if rows is None:
        yield f"- rows: not known, the data are not here ({data['not_found']})"
    else:
        yield "- rows: " + ", ".join(f"{count:,} {name}" for name, count in rows.items())
    yield f"- SHA-256 of the file: {data['sha256'] or 'not known'}"
    for line in data["columns"][:SHOWN]:
        yield f"- {line}"
    if len(data["columns"]) > SHOWN:
        yield f"- ... {len(data['columns']) - SHOWN} more columns in the JSON"


def _network(network: Mapping[str, Any]) -> Iterator[str]:
    yield f"- {network['parameters']:,} parameters, initialized by `{network['initialization']}`"
    for function in network["activation_functions"]:
        formula = f": ${function['latex']}$" if function["latex"] else ""
        shift = ""
        if "minus" in function:
            shift = f", minus {function['minus']:.6g}, divided by {function['divided_by']:.6g}"
        yield f"- activation function `{function['text']}`{formula}{shift}"
    yield f"- training: `{json.dumps(network['training'], default=str)}`"


def _search(found: Mapping[str, Any]) -> Iterator[str]:
    search, versions = found["search"], found["versions"]
    yield f"- settings: `{json.dumps(search['settings'], default=str)}`"
    yield f"- {search['evaluations']} evaluations, generations: {search['generations']}"
    yield f"- seeds: {found['seeds']['run']} of the run, {found['seeds']['training']} of the training"
    packages = ", ".join(f"{name} {version}" for name, version in versions["packages"].items())
    yield f"- versions: Python {versions['python']}, {packages}; commit {versions['commit'] or 'not known'}"


def _use(found: Mapping[str, Any]) -> Iterator[str]:
    export = found["export"]
    if export is None:
        yield from (
            "```python",
            "import gondwana",
            "",
            'run = gondwana.load_run("RUN")',
            "run.predict(rows)",
            "```",
        )
        return
    yield from ("```python", *_LOADING[export["form"]].format(path=export["path"]).splitlines(), "```", "")
    yield "| input | dtype, shape | what it takes |"
    yield "|---|---|---|"
    for item in export["inputs"]:
        named = f" ({_listed(item['columns'])})" if item.get("columns") else ""
        shape = ", ".join(map(str, item["shape"]))
        yield f"| `{item['name']}` | {item['dtype']}, (rows, {shape}) | {item['form']}{named} |"
    if export["takes"] == "raw" and any("column" in item for item in export["inputs"]):
        yield ""
        yield (
            "The network itself takes cells in these forms only; `gondwana.load_predictor` and `gondwana predict` make "
            "them of any cells. Dates in other forms count as empty cells."
        )
    if not export["plain"]:
        yield ""
        yield "It holds layers of gondwana: `import gondwana` loads it, or export it with `--plain`."


_LOADING = {
    "keras": 'import keras\n\nmodel = keras.models.load_model("{path}")\nprobabilities = model(inputs)',
    "savedmodel": "import tensorflow as tf\n\n"
    'model = tf.saved_model.load("{path}")\nprobabilities = model.serve(inputs)',
    "onnx": "import onnxruntime\n\n"
    'session = onnxruntime.InferenceSession("{path}")\n'
    "(probabilities,) = session.run(None, {{session.get_inputs()[0].name: rows}})",
    "tflite": "from ai_edge_litert.interpreter import Interpreter  # or tensorflow.lite.Interpreter\n\n"
    'interpreter = Interpreter("{path}")\n'
    'place = interpreter.get_input_details()[0]["index"]\n'
    "interpreter.resize_tensor_input(place, rows.shape)\ninterpreter.allocate_tensors()\n"
    "interpreter.set_tensor(place, rows)\ninterpreter.invoke()\n"
    'probabilities = interpreter.get_tensor(interpreter.get_output_details()[0]["index"])',
    "torch": 'import torch\n\nmodel = torch.export.load("{path}").module()\nprobabilities = model(rows)',
}
"""How each format is loaded, in Python."""


def _listed(values: Any) -> str:
    shown = ", ".join(str(value) for value in list(values)[:SHOWN])
    return shown + (", ..." if len(values) > SHOWN else "")
