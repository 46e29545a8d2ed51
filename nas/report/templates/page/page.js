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
  function show() {
    draw();
    filters();
  }
  show();
  window.gondwana = {show};
  matchMedia('(prefers-color-scheme: dark)').addEventListener('change', draw);
})();
