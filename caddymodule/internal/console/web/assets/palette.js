// The palette: type where to go. Pages, providers and requests by id.

import { h, redraw } from './dom.js';
import { icon } from './icons.js';
import { open } from './parts.js';
import { providerList } from './store.js';

export function palette(pages) {
  let text = '';
  let at = 0;
  const found = () => {
    const all = [...pages.map((p) => [p.icon, p.title, '#/' + p.path]),
      ...providerList().slice(0, 300).map((p) => ['providers', p.title || p.id, '#/providers?id=' + encodeURIComponent(p.id)])];
    const hits = all.filter(([, title]) => title.toLowerCase().includes(text.toLowerCase()));
    if (text) hits.push(['search', `Requests with “${text}”`, '#/requests?q=' + encodeURIComponent(text)]);
    return hits.slice(0, 12);
  };
  const take = (close, hit) => { close(); if (hit) location.hash = hit[2]; };
  open((close) => {
    const list = found();
    at = Math.min(at, Math.max(0, list.length - 1));
    return [h('div.palette-input', null, icon('search'), h('input', {
      type: 'text', autofocus: true, placeholder: 'Go to a page or provider, or search requests', 'aria-label': 'Go to',
      role: 'combobox', 'aria-expanded': 'true', 'aria-controls': 'palette-list', 'aria-activedescendant': 'palette-' + at, autocomplete: 'off',
      oninput: (e) => { text = e.target.value; at = 0; redraw(); },
      onkeydown: (e) => {
        const step = { ArrowDown: 1, ArrowUp: -1 }[e.key];
        if (step) { e.preventDefault(); at = (at + step + list.length) % Math.max(1, list.length); redraw(); }
        if (e.key === 'Enter') { e.preventDefault(); take(close, found()[at]); }
      },
    })), h('div.palette-list', { role: 'listbox', id: 'palette-list', 'aria-label': 'Matches' }, list.map((hit, i) => h('a', {
      key: hit[2], id: 'palette-' + i, role: 'option', 'aria-selected': String(i === at), href: hit[2], tabindex: -1, onclick: () => close(),
    }, icon(hit[0]), hit[1])))];
  }, { cls: 'palette', label: 'Go to' });
}
