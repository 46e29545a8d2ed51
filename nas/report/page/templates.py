"""Renders the templates of the report: Jinja2 with autoescape, so that text of a run never becomes markup."""

from __future__ import annotations

from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from gondwana.nas.report.page.wording import count, number, when

FOLDER = Path(__file__).resolve().parent.parent / "templates"

ENVIRONMENT = Environment(
    loader=FileSystemLoader(FOLDER),
    autoescape=True,
    undefined=StrictUndefined,  # a value that a section forgot is an error, not an empty place
    trim_blocks=True,
    lstrip_blocks=True,
)
ENVIRONMENT.filters.update(number=number, thousands=count, when=when)
# Figures stand in the page as JSON; NaN is not JSON, and a browser would refuse the whole figure.
ENVIRONMENT.policies["json.dumps_kwargs"] = {"ensure_ascii": True, "allow_nan": False}


def render(template: str, **values: object) -> Markup:
    """Return a template filled with values; text is escaped, markup of other templates is kept.

    Args:
        template: path below ``templates/``.
        values: what the template names.

    Raises:
        jinja2.TemplateNotFound: if there is no such template.
        jinja2.UndefinedError: if the template names a value that is not given.
    """
    return Markup(ENVIRONMENT.get_template(template).render(**values).strip())


def sentence(text: str, *, note: bool = False) -> Markup:
    """Return one paragraph of text; a note is shown smaller and paler."""
    return render("page/sentence.html.j2", text=text, note=note)


def asset(name: str) -> Markup:
    """Return a style sheet or script of ``templates/page/`` as it is, to stand inside the page."""
    return Markup((FOLDER / "page" / name).read_text(encoding="utf-8"))
