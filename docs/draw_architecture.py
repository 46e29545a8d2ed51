"""Draw docs/images/architecture.svg from the imports in the source: ``python docs/draw_architecture.py``.

Each of the packages is a frame; its folders and files stand in floors, and an arrow leads from what imports to
what is imported. Arrows that follow from others are left out. A test compares the picture with the code.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Mapping
from graphlib import TopologicalSorter
from html import escape
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PICTURE = ROOT / "docs" / "images" / "architecture.svg"
PACKAGES = ("interface", "nas", "activations", "autoinit", "tasks")
FOLDERS = {name: ROOT / name for name in PACKAGES} | {"interface": ROOT / "gondwana" / "interface"}
NAME = "gondwana"

BOX, GAP, ROW, HEAD = 104, 10, 58, 34
STYLE = (
    "text{font:12px system-ui,sans-serif;fill:#1b1f24}.head{font-size:15px;font-weight:600}"
    ".small{font-size:10px;fill:#57606a}"
    ".frame{fill:#f6f8fa;stroke:#afb8c1}.box{fill:#fff;stroke:#57606a}.edge{stroke:#8c959f;fill:none}"
    ".between{stroke:#0969da;stroke-width:2;fill:none}"
)

Imports = dict[str, set[str]]
"""Module -> the modules of this project that it imports, anywhere in the file; names without the leading package."""


def module_files() -> dict[str, Path]:
    """Return the file of every module, by its dotted name without the leading package."""
    found = {}
    for package, folder in FOLDERS.items():
        for path in sorted(folder.rglob("*.py")):
            parts = (package, *path.relative_to(folder).with_suffix("").parts)
            found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


def read_imports() -> Imports:
    """Return what imports what; imports in functions and for type checking count."""
    files = module_files()
    return {name: _imported(path, files) - {name} for name, path in files.items()}


def _imported(path: Path, files: Mapping[str, Path]) -> set[str]:
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            names = [f"{node.module}.{alias.name}" for alias in node.names]
        else:
            continue
        for name in names:
            inside = name.removeprefix(f"{NAME}.")
            target = inside if inside in files else inside.rpartition(".")[0]
            if name != inside and target in files:
                found.add(target)
    return found


def between_children(imports: Imports, folder: str) -> Imports:
    """Return which direct children (files and folders) of a folder import which others; ``""`` is the root."""
    prefix = f"{folder}." if folder else ""

    def child(name: str) -> str:
        return name[len(prefix) :].split(".")[0] if name.startswith(prefix) else ""

    found: Imports = {child(name): set() for name in imports if child(name)}
    for name, targets in imports.items():
        if child(name):
            found[child(name)] |= {child(target) for target in targets} - {"", child(name)}
    return found


def floors(graph: Imports) -> list[list[str]]:
    """Return the nodes in floors, the top one first: each stands above everything that it imports.

    Raises:
        graphlib.CycleError: if there is a circle.
    """
    height: dict[str, int] = {}
    for node in TopologicalSorter(graph).static_order():
        height[node] = 1 + max((height[target] for target in graph.get(node, ())), default=-1)
    return [
        sorted(node for node in height if height[node] == level)
        for level in range(max(height.values(), default=-1), -1, -1)
    ]


def without_shortcuts(graph: Imports) -> Imports:
    """Return the graph without the edges that follow from others (its transitive reduction)."""
    reached: dict[str, set[str]] = {}
    for node in TopologicalSorter(graph).static_order():
        reached[node] = set().union(*({target} | reached[target] for target in graph.get(node, ())))
    return {
        node: {t for t in targets if not any(t in reached[other] for other in targets if other != t)}
        for node, targets in graph.items()
    }


def _box(x: float, y: float, name: str, below: str) -> str:
    return (
        f'<rect class="box" x="{x:.0f}" y="{y:.0f}" width="{BOX}" height="34" rx="5"/>'
        f'<text x="{x + BOX / 2:.0f}" y="{y + (15 if below else 21):.0f}" text-anchor="middle">{escape(name)}</text>'
        f'<text class="small" x="{x + BOX / 2:.0f}" y="{y + 28:.0f}" text-anchor="middle">{escape(below)}</text>'
    )


def _arrow(start: tuple[float, float], end: tuple[float, float], kind: str) -> str:
    middle = (start[1] + end[1]) / 2
    return (
        f'<path class="{kind}" marker-end="url(#{kind})" d="M{start[0]:.0f},{start[1]:.0f} '
        f'C{start[0]:.0f},{middle:.0f} {end[0]:.0f},{middle:.0f} {end[0]:.0f},{end[1] - 2:.0f}"/>'
    )


def _frame(imports: Imports, package: str, left: float, top: float) -> tuple[str, float, float]:
    """Return the drawing of one package, its width and its height."""
    graph = between_children(imports, package)
    rows = floors(graph)
    width = max(len(row) for row in rows) * (BOX + GAP) + GAP
    height = HEAD + len(rows) * ROW - 14
    places: dict[str, tuple[float, float]] = {}
    boxes = []
    for level, row in enumerate(rows):
        start = left + (width - len(row) * (BOX + GAP) + GAP) / 2
        for column, name in enumerate(row):
            x, y = start + column * (BOX + GAP), top + HEAD + level * ROW
            places[name] = (x + BOX / 2, y)
            count = sum(m == f"{package}.{name}" or m.startswith(f"{package}.{name}.") for m in imports)
            is_folder = (FOLDERS[package] / name).is_dir()
            boxes.append(_box(x, y, f"{name}/" if is_folder else f"{name}.py", _files(count, is_folder)))
    arrows = [
        _arrow((places[a][0], places[a][1] + 34), places[b], "edge")
        for a, targets in sorted(without_shortcuts(graph).items())
        for b in sorted(targets)
    ]
    frame = (
        f'<rect class="frame" x="{left:.0f}" y="{top:.0f}" width="{width:.0f}" height="{height:.0f}" rx="8"/>'
        f'<text class="head" x="{left + 12:.0f}" y="{top + 22:.0f}">{NAME}.{package}</text>'
    )
    return frame + "".join(arrows) + "".join(boxes), width, height


def _files(count: int, is_folder: bool) -> str:
    return f"{count} files" if is_folder else ""


def draw(imports: Imports) -> str:
    """Return the picture as SVG text."""
    lower, x = [], 0.0
    sizes = {}
    for package in PACKAGES[2:]:
        _, width, height = _frame(imports, package, 0, 0)
        sizes[package] = (x, width, height)
        x += width + 40
    _, nas_width, nas_height = _frame(imports, "nas", 0, 0)
    _, face_width, face_height = _frame(imports, "interface", 0, 0)
    total = max(x - 40, nas_width, face_width)
    nas_left, nas_top = (total - nas_width) / 2, face_height + 60
    below = nas_top + nas_height + 60
    face = _frame(imports, "interface", (total - face_width) / 2, 0)[0]
    upper = _frame(imports, "nas", nas_left, nas_top)[0]
    for package, (left, _, _) in sizes.items():
        lower.append(_frame(imports, package, left, below)[0])
    across = without_shortcuts(between_children(imports, ""))
    between = [_arrow((total / 2, face_height), (nas_left + nas_width / 2, nas_top), "between")]
    between += [
        _arrow((nas_left + nas_width / 2, nas_top + nas_height), (left + width / 2, below), "between")
        for package, (left, width, _) in sizes.items()
        if package in between_children(imports, "")["nas"]
    ]
    if "autoinit" in across["activations"]:
        end = sizes["activations"][0] + sizes["activations"][1]
        y = below + 60
        between.append(
            f'<path class="between" marker-end="url(#between)" d="M{end:.0f},{y:.0f} L{end + 38:.0f},{y:.0f}"/>'
        )
    return _document([face, upper, *lower, *between], total, below + max(h for _, _, h in sizes.values()))


def _document(parts: Iterable[str], width: float, height: float) -> str:
    markers = "".join(
        f'<marker id="{kind}" markerWidth="7" markerHeight="7" refX="6" refY="3" orient="auto">'
        f'<path d="M0,0 L6,3 L0,6 z" fill="{color}"/></marker>'
        for kind, color in (("edge", "#8c959f"), ("between", "#0969da"))
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="-10 -10 {width + 20:.0f} {height + 20:.0f}" '
        f'role="img" aria-label="The folders of the packages, in floors, and what imports what">'
        f"<style>{STYLE}</style><defs>{markers}</defs>"
        f'<rect x="-10" y="-10" width="{width + 20:.0f}" height="{height + 20:.0f}" fill="#fff"/>'
        + "\n".join(parts)
        + "</svg>\n"
    )


if __name__ == "__main__":
    PICTURE.write_text(draw(read_imports()), encoding="utf-8")
