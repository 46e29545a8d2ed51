"""What the documentation site does beyond MkDocs: links to files of the repository, and roles in docstrings."""

from __future__ import annotations

import posixpath
import re
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
LINK = re.compile(r"\[([^\]\n]*(?:\n[^\]\n]*)?)\]\((\.\.?/[^)\s#]*)(#[^)\s]*)?\)")
ROLE = re.compile(r":(?:py:)?(?:func|class|meth|mod|data|attr|exc|const):<code>[~.]?([^<]+)</code>")


class BrokenLinkError(ValueError):
    """A page links to a file of the repository that is not there."""


def on_page_markdown(markdown: str, *, page: Any, **_: Any) -> str:
    """Leave of links that lead out of the documentation their text: on GitHub they work, on the site there is no file.

    Raises:
        BrokenLinkError: if there is no such file in the repository either.
    """
    return rewritten(markdown, page.file.src_uri)


def rewritten(markdown: str, source: str) -> str:
    """Return the text of a page with its links out of the documentation replaced by their text.

    Args:
        markdown: of the page.
        source: its path below ``docs/``.
    """

    def replaced(found: re.Match[str]) -> str:
        target = posixpath.normpath(posixpath.join("docs", posixpath.dirname(source), found[2]))
        if not (ROOT / target).exists():
            raise BrokenLinkError(f"docs/{source} links to {found[2]}: there is no {target}")
        return found[0] if target.startswith("docs/") else found[1]

    return LINK.sub(replaced, markdown)


def on_page_content(html: str, **_: Any) -> str:
    """Show the roles of docstrings, such as ``:func:`name```, as code."""
    return ROLE.sub(r"<code>\1</code>", html)
