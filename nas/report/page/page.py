"""The page around a report: one file, everything inside, readable on a phone and in the dark, no network."""

from __future__ import annotations

import json
from collections.abc import Sequence

import plotly.graph_objects as go
import plotly.io
from plotly.offline import get_plotlyjs

from gondwana.nas.report.page.html import Html, element, escape, join

CONTENT_SECURITY_POLICY = (
    "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data: blob:; "
    "connect-src {connect}; base-uri 'none'; form-action 'none'"
)
"""What the page may do: run what stands in it, load nothing."""

STYLE = """
:root { color-scheme: light dark; --text: #1c2024; --ground: #ffffff; --soft: #f3f4f6; --line: #d5d9de;
  --accent: #0b5cad; --grid: #e3e6ea; }
@media (prefers-color-scheme: dark) { :root { --text: #e4e7eb; --ground: #15181c; --soft: #20252b; --line: #3a4149;
  --accent: #7db8f0; --grid: #30363d; } }
* { box-sizing: border-box; }
body { margin: 0 auto; padding: 1rem; max-width: 72rem; color: var(--text); background: var(--ground);
  font: 16px/1.5 system-ui, sans-serif; overflow-wrap: anywhere; }
h1 { font-size: 1.6rem; margin: 0 0 .25rem; } h2 { font-size: 1.25rem; margin: 2.5rem 0 .5rem;
  border-bottom: 1px solid var(--line); padding-bottom: .25rem; } h3 { font-size: 1.05rem; margin: 1.5rem 0 .5rem; }
a { color: var(--accent); } nav a { margin-right: 1rem; display: inline-block; max-width: 100%; }
.verdict { border-left: 4px solid var(--accent); padding: .5rem .75rem; background: var(--soft); margin: .75rem 0; }
.note { color: color-mix(in srgb, var(--text) 70%, var(--ground)); font-size: .9rem; }
[data-live=no] h1::after { content: " (the server does not answer)"; font-size: 1rem; font-weight: 400; }
.scroll { overflow-x: auto; } table { border-collapse: collapse; font-size: .9rem; margin: .5rem 0; min-width: 50%; }
caption { text-align: left; padding: .25rem 0; font-weight: 600; }
th, td { text-align: left; padding: .3rem .6rem; border-bottom: 1px solid var(--line); vertical-align: top; }
th { background: var(--soft); white-space: nowrap; } td { font-variant-numeric: tabular-nums; overflow-wrap: normal; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .2rem 1rem; }
dt { font-weight: 600; } dd { margin: 0; }
pre, code { font: .85rem/1.4 ui-monospace, monospace; } code { overflow-wrap: anywhere; }
pre { background: var(--soft); padding: .6rem; overflow-x: auto; } .figure { width: 100%; min-height: 24rem; }
details { margin: .5rem 0; } summary { cursor: pointer; } input[type=search] { font: inherit; padding: .35rem .6rem;
  width: min(100%, 24rem); color: inherit; background: var(--soft); border: 1px solid var(--line); border-radius: 4px; }
@media (max-width: 40rem) { body { padding: .6rem; } dl { grid-template-columns: 1fr; } dd { margin-bottom: .4rem; }
  .figure { min-height: 20rem; } }
math { font-size: 1.1rem; }
.gallery { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 26rem), 1fr)); gap: 1rem; }
.gallery .figure { min-height: 16rem; } article { min-width: 0; }
.diagram { max-width: 100%; max-height: 60rem; background: #fff; }
"""

SCRIPT = """
'use strict';
(() => {
  const config = {responsive: true, displaylogo: false, modeBarButtonsToRemove: ['select2d', 'lasso2d']};
  const css = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  const axes = (layout) => Object.keys(layout).filter((key) => /^[xy]axis[0-9]*$/.test(key));
  function themed(layout) {
    const result = structuredClone(layout);
    result.font = {...(result.font || {}), color: css('--text')};
    result.paper_bgcolor = result.plot_bgcolor = 'rgba(0,0,0,0)';
    result.margin = {l: 55, r: 15, t: 30, b: 50, ...(result.margin || {})};
    result.legend = {orientation: 'h', y: -0.22, ...(result.legend || {})};
    for (const key of new Set(['xaxis', 'yaxis', ...axes(result)])) {
      result[key] = {...(result[key] || {}), gridcolor: css('--grid'), zerolinecolor: css('--line'),
                     linecolor: css('--line'), automargin: true};
    }
    for (const shape of result.shapes || []) shape.line = {...shape.line, color: css('--text')};
    return result;
  }
  function draw() {
    for (const node of document.querySelectorAll('.figure')) {
      const figure = JSON.parse(document.getElementById(node.dataset.source).textContent);
      Plotly.react(node, figure.data, themed(figure.layout), config);
    }
  }
  function filters() {
    for (const input of document.querySelectorAll('input[data-filter]')) {
      const rows = [...document.querySelectorAll('#' + input.dataset.filter + ' tbody tr')];
      const count = document.getElementById(input.dataset.filter + '-count');
      const apply = () => {
        const words = input.value.toLowerCase().split(/\\s+/).filter(Boolean);
        let shown = 0;
        for (const row of rows) {
          const text = row.textContent.toLowerCase();
          row.hidden = !words.every((word) => text.includes(word));
          shown += row.hidden ? 0 : 1;
        }
        count.textContent = shown + ' of ' + rows.length + ' rows';
      };
      input.addEventListener('input', apply);
      apply();
    }
  }
  function show() {
    draw();
    filters();
  }
  show();
  window.gondwana = {show};
  matchMedia('(prefers-color-scheme: dark)').addEventListener('change', draw);
})();
"""

LIVE_SCRIPT = """
'use strict';
(() => {
  const every = 3000;
  let known = null;
  async function get(path) {
    const answer = await fetch(path, {cache: 'no-store'});
    if (!answer.ok) throw new Error(path + ': ' + answer.status);
    return answer.text();
  }
  function replace(text) {
    const fresh = new DOMParser().parseFromString(text, 'text/html').querySelector('main');
    const name = (node) => node.querySelector('summary').textContent.slice(0, 24);
    const open = new Set([...document.querySelectorAll('details[open]')].map(name));
    const words = new Map([...document.querySelectorAll('input[data-filter]')].map((i) => [i.dataset.filter, i.value]));
    const focused = document.activeElement && document.activeElement.dataset.filter;
    for (const node of document.querySelectorAll('.figure')) Plotly.purge(node);
    document.querySelector('main').replaceWith(document.adoptNode(fresh));
    for (const node of document.querySelectorAll('details')) if (open.has(name(node))) node.open = true;
    for (const input of document.querySelectorAll('input[data-filter]')) {
      input.value = words.get(input.dataset.filter) || '';
      if (focused === input.dataset.filter) input.focus();
    }
    gondwana.show();
  }
  async function follow() {
    let wait = every;
    try {
      const state = await get('state');
      if (known !== null && state !== known) replace(await get('main'));
      known = state;
      document.documentElement.dataset.live = 'yes';
      if (JSON.parse(state).finished) wait = 0;
    } catch (error) {
      document.documentElement.dataset.live = 'no';
    }
    if (wait) setTimeout(follow, wait);
  }
  follow();
})();
"""


class Figures:
    """Collects the figures of a page; each is placed where :meth:`add` is called and drawn by the page's script."""

    def __init__(self) -> None:
        self._json: dict[str, str] = {}

    def add(self, figure: go.Figure, title: str, caption: str | None = None) -> Html:
        """Return the place of a figure. The title names it for screen readers too."""
        source = f"figure-{len(self._json) + 1}"
        content = json.loads(plotly.io.to_json(figure, validate=False, remove_uids=True))
        content["layout"].pop("template", None)
        self._json[source] = embedded_json(content)
        return element(
            "figure",
            element("figcaption", element("strong", title), f": {caption}" if caption else None),
            element("div", class_="figure", data_source=source, role="img", aria_label=title),
            style="margin: 1rem 0",
        )

    def scripts(self) -> Html:
        """Return the data of all figures, inert until the page's script reads them."""
        return join(
            element("script", Html(content), id=name, type="application/json")
            for name, content in self._json.items()
        )

    def __len__(self) -> int:
        return len(self._json)


def embedded_json(value: object) -> str:
    """Return JSON that cannot end the script element in which it stands."""
    text = json.dumps(value, ensure_ascii=True, allow_nan=False)
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def main_content(
    title: str, introduction: Html, sections: Sequence[tuple[str, Html]], figures: Figures
) -> Html:
    """Return everything of a page that depends on the run, as one element.

    Args:
        title: text of the first heading.
        introduction: shown under it.
        sections: heading and content, in order; empty content is left out.
        figures: those placed in the sections.
    """
    shown = [(heading, content) for heading, content in sections if content]
    links = (element("a", heading, href=f"#section-{number}") for number, (heading, _) in enumerate(shown))
    return element(
        "main",
        element("h1", title),
        introduction,
        element("nav", *links),
        *(
            element("section", element("h2", heading), content, id=f"section-{number}")
            for number, (heading, content) in enumerate(shown)
        ),
        figures.scripts(),
    )


def page(title: str, main: Html, *, live: bool = False) -> str:
    """Return the whole document.

    Args:
        title: text of the title.
        main: see :func:`main_content`.
        live: follow a run under way: ask the server that sent the page for news and show them.
    """
    policy = CONTENT_SECURITY_POLICY.format(connect="'self'" if live else "'none'")
    head = [
        element("meta", charset="utf-8"),
        element("meta", name="viewport", content="width=device-width, initial-scale=1"),
        element("meta", http_equiv="Content-Security-Policy", content=policy),
        element("meta", name="color-scheme", content="light dark"),
        element("link", rel="icon", href="data:,"),
        element("title", title),
        element("style", Html(STYLE)),
    ]
    scripts = [get_plotlyjs(), SCRIPT, *([LIVE_SCRIPT] if live else [])]
    body = element("body", main, *(element("script", Html(script)) for script in scripts))
    return f'<!doctype html>\n<html lang="en">{element("head", *head)}{body}</html>\n'


__all__ = ["Figures", "Html", "embedded_json", "escape", "page"]
