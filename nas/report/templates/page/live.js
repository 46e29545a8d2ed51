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
