"""The documentation site: every public name is in the reference, every page in the menu, and links lead somewhere."""

from __future__ import annotations

import ast
import importlib.util
import re
from pathlib import Path

import pytest
import yaml

from tests.helpers import ROOT

DOCS = ROOT / "docs"
REFERENCE = {
    "gondwana": ("gondwana/__init__.py", "gondwana.md"),
    "gondwana.autoinit": ("autoinit/__init__.py", "autoinit.md"),
    "gondwana.autoinit.torch": ("autoinit/torch/__init__.py", "autoinit-torch.md"),
    "gondwana.activations": ("activations/__init__.py", "activations.md"),
    "gondwana.tasks": ("tasks/__init__.py", "tasks.md"),
    "gondwana.nas": ("nas/__init__.py", "nas.md"),
}
LINK = re.compile(r"\]\(([^)\s]+)\)")
_SPEC = importlib.util.spec_from_file_location("site_hooks", DOCS / "site_hooks.py")
assert _SPEC is not None and _SPEC.loader is not None
hooks = importlib.util.module_from_spec(_SPEC)
_SPEC.loader.exec_module(hooks)


def public(source: str) -> set[str]:
    """Return the names of a package's ``__all__`` without importing it."""
    tree = ast.parse((ROOT / source).read_text(encoding="utf-8"))
    (found,) = [
        ast.literal_eval(node.value)
        for node in tree.body
        if isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") == "__all__"
    ]
    return set(found)


@pytest.mark.parametrize("package", REFERENCE)
def test_every_public_name_is_in_the_reference(package: str) -> None:
    source, page = REFERENCE[package]
    text = (DOCS / "reference" / page).read_text(encoding="utf-8")
    named = set(re.findall(rf"^::: {re.escape(package)}\.(\w+)$", text, re.MULTILINE))
    assert named == public(source) - {"__version__"}


def test_every_page_is_in_the_menu_and_every_entry_is_a_page() -> None:
    text = (ROOT / "mkdocs.yml").read_text(encoding="utf-8").replace("!ENV", "")
    menu = yaml.safe_load(text)["nav"]

    def pages(entry: object) -> list[str]:
        if isinstance(entry, str):
            return [entry]
        values = entry.values() if isinstance(entry, dict) else entry
        return [page for value in values for page in pages(value)]  # type: ignore[union-attr]

    assert sorted(pages(menu)) == sorted(path.relative_to(DOCS).as_posix() for path in DOCS.rglob("*.md"))


@pytest.mark.parametrize(
    "path",
    sorted([*DOCS.rglob("*.md"), ROOT / "README.md", ROOT / "CONTRIBUTING.md"]),
    ids=lambda path: path.relative_to(ROOT).as_posix(),
)
def test_links_lead_to_files_as_github_shows_them(path: Path) -> None:
    for target in LINK.findall(path.read_text(encoding="utf-8")):
        if not target.startswith(("http://", "https://", "#")):
            assert (path.parent / target.partition("#")[0]).exists(), target


def test_links_out_of_the_documentation_are_text_on_the_site() -> None:
    assert hooks.rewritten("see [the\nREADME](../README.md).", "a.md") == "see the\nREADME."
    inside = "[x](../index.md#a) [y](../engine.md)"
    assert hooks.rewritten(inside, "results/README.md") == inside
    with pytest.raises(hooks.BrokenLinkError, match=r"docs/a.md links to ../nowhere.md"):
        hooks.rewritten("[x](../nowhere.md)", "a.md")


def test_roles_in_docstrings_are_shown_as_code() -> None:
    assert hooks.on_page_content(":func:<code>~a.b</code>") == "<code>a.b</code>"
