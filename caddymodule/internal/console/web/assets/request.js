// One request: its attempts as a waterfall, and why it went where it went.

import { h, redraw } from './dom.js';
import { shape } from './icons.js';
import { call, seg, Resource } from './api.js';
import { providerTitle } from './store.js';
import { open, dialogHead, badge, ready, chip, mono, iconButton, copy } from './parts.js';
import { ms, money, exact, full, bytes, plural, dash } from './format.js';

// outcome is the word and tone of a finished or running request.
export function outcome(r) {
  if (r.in_flight) return badge('running', 'running', 'rest');
  if (!r.status) return badge('failed', r.class || 'failed', 'bad');
  return r.status < 400 && (!r.class || r.class === 'ok') ? badge('ok', String(r.status)) : badge('failed', `${r.status || ''} ${r.class || ''}`.trim(), r.class === 'canceled' || r.class === 'client_gone' ? 'off' : 'bad');
}

// openRequest shows the drawer of one request.
export function openRequest(id, closed) {
  const resource = new Resource(() => call('GET', 'requests/' + seg(id)), redraw);
  resource.load();
  open((close) => [dialogHead('Request', close), h('div.dialog-body', null,
    h('p.request-id', null, mono(id), iconButton('copy', 'Copy the id', () => copy(id))), ready(resource, body, 6))], { cls: 'drawer wide', label: 'Request ' + id, closed });
}

const fact = (label, value) => value !== undefined && value !== null && value !== '' && h('div', { key: label }, h('dt', null, label), h('dd', null, value));

function body(r) {
  return [h('div.request-top', null, outcome(r), r.reason && h('span', null, r.reason), r.stream && chip('stream'), r.estimated && chip('estimated', 'Tokens were counted by the gateway, not reported by the provider')),
    h('dl.facts.wide', null, fact('Started', full(r.start)), fact('Client', r.client || dash), fact('Asked for', r.model), fact('Dialect', `${r.dialect || dash} · ${r.call || dash}`),
      fact('Answered by', r.provider && h('a', { href: '#/providers?id=' + encodeURIComponent(r.provider) }, `${providerTitle(r.provider)} · ${r.target || dash}`)),
      fact('First token', ms(r.ttft_ms)), fact('Duration', ms(r.duration_ms)),
      fact('Tokens', `${exact(r.tokens_in)} in · ${exact(r.tokens_out)} out` + (r.tokens_cached ? ` · ${exact(r.tokens_cached)} cached` : '')),
      fact('Cost', money(r.cost_microusd)), fact('Sent', bytes(r.bytes_out)),
      fact('Session', r.session && h('a', { href: '#/requests?session=' + encodeURIComponent(r.session) }, r.session)), fact('Agent', r.agent)),
    waterfall(r), decision(r.decision)];
}

// waterfall draws every attempt on one scale: waiting, until the first token, and the rest of the answer.
function waterfall(r) {
  const list = Array.isArray(r.attempts) ? r.attempts : r.attempt_list || [];
  if (!list.length) return null;
  const total = Math.max(r.duration_ms || 0, ...list.map((a) => (a.start_ms || 0) + (a.duration_ms || 0)), 1);
  const part = (cls, from, length, name) => length > 0 && h('i', { class: 'seg ' + cls, title: `${name} ${ms(length)}`, style: { left: (from / total) * 100 + '%', width: Math.max(0.4, (length / total) * 100) + '%' } });
  const one = (a, i) => {
    const ok = !a.class || a.class === 'ok';
    const first = a.ttft_ms ?? a.duration_ms ?? 0;
    const wait = a.wait_ms || 0;
    const start = a.start_ms || 0;
    return h('li', { key: i }, h('div.attempt-head', null, h('b.num', null, i + 1), h('span', null, `${providerTitle(a.provider)} · ${a.model || dash}`), a.key && chip(a.key, 'key'),
      h('span.end.tone-' + (ok ? 'ok' : 'bad'), null, shape(ok ? 'ok' : 'bad'), ' ', ok ? a.status || 'ok' : `${a.status || ''} ${a.class}`)),
    h('div.track', { role: 'img', 'aria-label': `Starts after ${ms(start)}, waits ${ms(wait)}, first token after ${ms(a.ttft_ms)}, lasts ${ms(a.duration_ms)}` },
      part('wait', start - wait, wait, 'Waited'), part(ok ? 'first' : 'bad', start, first, ok ? 'Until the first token' : 'Failed after'),
      ok && part('rest', start + first, (a.duration_ms || 0) - first, 'Answer')),
    h('p.attempt-note', null, h('span.num', null, `at ${ms(start)}, `, ok && a.ttft_ms != null ? `first token ${ms(a.ttft_ms)}, ` : '', `took ${ms(a.duration_ms)}`, wait ? `, waited ${ms(wait)}` : ''),
      !ok && (a.reason || a.message) && h('span', null, ' — ' + [a.code, a.reason, a.message].filter(Boolean).join(' · ')),
      a.dropped?.length > 0 && h('span.muted', null, ' dropped: ' + a.dropped.join(', '))));
  };
  return h('section.part', null, h('header.section-head', null, h('h3', null, plural(list.length, 'attempt')), h('span.key-legend', null,
    h('i', { class: 'seg wait' }), 'waiting', h('i', { class: 'seg first' }), 'to first token', h('i', { class: 'seg rest' }), 'answer', h('i', { class: 'seg bad' }), 'failed')),
  h('ol.waterfall', null, list.map(one)), h('div.scale.num', { 'aria-hidden': 'true' }, h('span', null, '0'), h('span', null, ms(total / 2)), h('span', null, ms(total))));
}

function decision(d) {
  if (!d?.candidates?.length) return null;
  return h('section.part', null, h('header.section-head', null, h('h3', null, 'Decision'), h('span.muted', null, d.strategy, d.affinity && ` · ${typeof d.affinity === 'string' ? 'affinity: ' + d.affinity : 'affinity'}`)),
    h('div.scroll-x', null, h('table.plain', null, h('thead', null, h('tr', null, ['', 'Candidate', 'Tier', 'Score', 'Why'].map((t, i) => h('th', { key: i, class: i === 2 || i === 3 ? 'n' : '' }, t || h('span.sr', null, 'Picked'))))),
      h('tbody', null, d.candidates.map((c, i) => h('tr', { key: i, class: c.filtered ? 'off' : '' }, h('td', null, c.picked && h('span.tone-ok', { title: 'picked' }, shape('ok'), h('span.sr', null, 'picked'))),
        h('td', null, `${providerTitle(c.provider)} · ${c.model}`), h('td.n.num', null, c.tier), h('td.n.num', null, ms(c.score_ms)), h('td.muted', null, typeof c.filtered === 'string' ? c.filtered : c.reason || (c.filtered ? 'filtered' : ''))))))));
}
