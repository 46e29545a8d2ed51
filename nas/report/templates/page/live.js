'use strict';
(() => {
  const every = 3000;
  let known = null;
  async function get(path) {
    const answer = await fetch(path, {cache: 'no-store'});
    if (!answer.ok) throw new Error(path + ': ' + answer.status);
    return answer.text();
  }
  const label = (node) => node.getAttribute('aria-label');
  // The charts that are drawn already move into the new page, so that they change in place: nothing flickers, and
  // what the reader zoomed into or hid stays.
  function keepFigures(fresh) {
    const drawn = new Map();
    for (const node of document.querySelectorAll('.figure')) {
      if (!drawn.has(label(node))) drawn.set(label(node), []);
      drawn.get(label(node)).push(node);
    }
    for (const place of fresh.querySelectorAll('.figure')) {
      const node = (drawn.get(label(place)) || []).shift();
      if (!node) continue;
      node.dataset.source = place.dataset.source;
      place.replaceWith(node);
    }
    for (const nodes of drawn.values()) for (const node of nodes) Plotly.purge(node);
  }
  function replace(text) {
    const fresh = document.adoptNode(new DOMParser().parseFromString(text, 'text/html').querySelector('main'));
    const name = (node) => node.querySelector('summary').textContent.slice(0, 24);
    const open = new Set([...document.querySelectorAll('details[open]')].map(name));
    const words = new Map([...document.querySelectorAll('input[data-filter]')].map((i) => [i.dataset.filter, i.value]));
    const focused = document.activeElement && document.activeElement.dataset.filter;
    const top = window.scrollY;
    for (const node of fresh.querySelectorAll('details')) if (open.has(name(node))) node.open = true;
    keepFigures(fresh);
    document.querySelector('main').replaceWith(fresh);
    for (const input of document.querySelectorAll('input[data-filter]')) {
      input.value = words.get(input.dataset.filter) || '';
      if (focused === input.dataset.filter) input.focus({preventScroll: true});
    }
    gondwana.show();
    window.scrollTo({top, behavior: 'instant'});
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
