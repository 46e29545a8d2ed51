'use strict';
(() => {
  const config = {responsive: true, displaylogo: false, modeBarButtonsToRemove: ['select2d', 'lasso2d']};
  const css = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  const axes = (layout) => Object.keys(layout).filter((key) => /^[xy]axis[0-9]*$/.test(key));
  const sorted = new Map(); // by table: column and direction, so that a live page keeps them
  function themed(layout) {
    const result = structuredClone(layout);
    result.font = {...(result.font || {}), color: css('--text')};
    result.paper_bgcolor = result.plot_bgcolor = 'rgba(0,0,0,0)';
    result.margin = {l: 55, r: 15, t: 30, b: 50, ...(result.margin || {})};
    result.legend = {orientation: 'h', y: -0.22, ...(result.legend || {})};
    result.uirevision = 'kept'; // zoom and hidden lines stay when the data change
    for (const key of new Set(['xaxis', 'yaxis', ...axes(result)])) {
      result[key] = {...(result[key] || {}), gridcolor: css('--grid'), zerolinecolor: css('--line'),
                     linecolor: css('--line'), automargin: true};
    }
    for (const shape of result.shapes || []) shape.line = {...shape.line, color: css('--text')};
    return result;
  }
  function draw(all) {
    for (const node of document.querySelectorAll('.figure')) {
      const text = document.getElementById(node.dataset.source).textContent;
      if (!all && node.drawn === text) continue;
      const figure = JSON.parse(text);
      Plotly.react(node, figure.data, themed(figure.layout), config);
      node.drawn = text;
    }
  }
  function filters() {
    for (const input of document.querySelectorAll('input[data-filter]')) {
      const rows = [...document.querySelectorAll('#' + input.dataset.filter + ' tbody tr')];
      const count = document.getElementById(input.dataset.filter + '-count');
      const apply = () => {
        const words = input.value.toLowerCase().split(/\s+/).filter(Boolean);
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
  const number = (text) => text.trim() === '' ? NaN : Number(text.trim().replace(/,/g, '').replace(/^\+/, ''));
  function compare(first, second) {
    const [a, b] = [number(first), number(second)];
    if (!Number.isNaN(a) && !Number.isNaN(b)) return a - b;
    if (Number.isNaN(a) !== Number.isNaN(b)) return Number.isNaN(a) ? 1 : -1;
    return first.localeCompare(second, undefined, {numeric: true});
  }
  function sort(table, column, direction) {
    const body = table.tBodies[0];
    const text = (row) => row.cells[column] ? row.cells[column].textContent : '';
    const rows = [...body.rows].sort((a, b) => {
      const [first, second] = [text(a), text(b)];
      if (!first.trim() || !second.trim()) return (first.trim() ? 0 : 1) - (second.trim() ? 0 : 1); // empty ones last
      return direction * compare(first, second);
    });
    body.append(...rows);
    [...table.tHead.rows[0].cells].forEach((cell, index) => {
      if (index === column) cell.setAttribute('aria-sort', direction > 0 ? 'ascending' : 'descending');
      else cell.removeAttribute('aria-sort');
    });
  }
  function button(text, label, act) {
    const made = document.createElement('button');
    made.type = 'button';
    made.textContent = text;
    if (label) made.setAttribute('aria-label', label);
    made.addEventListener('click', () => act(made));
    return made;
  }
  async function copy(text, made) {
    try {
      await navigator.clipboard.writeText(text);
    } catch (error) { // an older browser, or a page that is not trusted with the clipboard
      const area = document.createElement('textarea');
      area.value = text;
      document.body.append(area);
      area.select();
      document.execCommand('copy');
      area.remove();
    }
    const before = made.textContent;
    made.textContent = 'Copied';
    setTimeout(() => { made.textContent = before; }, 1500);
  }
  const cells = (row) => [...row.cells].map((cell) => cell.textContent.trim().replace(/\s+/g, ' ')).join('\t');
  function tables() {
    document.querySelectorAll('.scroll > table').forEach((table, place) => {
      const key = (table.id || (table.caption ? table.caption.textContent : '')) + '#' + (table.id ? '' : place);
      [...table.tHead.rows[0].cells].forEach((cell, column) => {
        const name = cell.textContent;
        if (!name) return;
        const made = button(name, '', () => {
          const direction = cell.getAttribute('aria-sort') === 'ascending' ? -1 : 1;
          sorted.set(key, [column, direction]);
          sort(table, column, direction);
        });
        made.title = 'Sort by this column';
        cell.replaceChildren(made);
      });
      if (sorted.has(key)) sort(table, ...sorted.get(key));
      const rows = () => [...table.tBodies[0].rows].filter((row) => !row.hidden);
      const what = table.caption ? 'Copy the table: ' + table.caption.textContent : 'Copy the table';
      const made = button('Copy table', what, (self) =>
        copy([...table.tHead.rows, ...rows()].map(cells).join('\n'), self));
      made.className = 'copy';
      table.parentNode.before(made);
    });
    for (const code of document.querySelectorAll('dd > code')) {
      const made = button('Copy', 'Copy: ' + code.textContent, (self) => copy(code.textContent, self));
      made.className = 'copy';
      code.after(made);
    }
  }
  function show() {
    draw(false);
    tables();
    filters();
  }
  show();
  window.gondwana = {show};
  matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => draw(true));
})();
