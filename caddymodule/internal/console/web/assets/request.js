// One request: its attempts as a waterfall, and why it went where it went.

import {badge, chip, copy, dash, dialogHead, exact, fact, full, h, iconButton, money, mono, ms, muted, open, plain, plural, providerLink, providerTitle, ready, Resource, seg, shape} from './parts.js';

// outcome is the word and tone of a finished or running request.
export function outcome(r) {
	if (r.in_flight) return badge('running', 'running', 'rest');
	if (!r.class) return badge('ok', String(r.status));
	return badge('failed', `${r.status || ''} ${r.class}`, /cancel|client/.test(r.class) ? 'off' : 'bad');
}

export function openRequest(id, closed) {
	const resource = new Resource('requests/' + seg(id));
	resource.load();
	open(close => [dialogHead('Request', close), h('div.dialog-body',
		h('p.request-id', mono(id), iconButton('copy', 'Copy the id', () => copy(id))), ready(resource, body, 6))], {cls: 'drawer wide', label: 'Request ' + id, closed});
}

function body(r) {
	return [h('div.request-top', outcome(r), r.reason && h('span', r.reason), r.stream && chip('stream'), r.estimated && chip('estimated', 'Tokens were counted by the gateway, not reported by the provider')),
		h('dl.facts.wide', fact('Started', full(r.start)), fact('Client', r.client || dash), fact('Asked for', r.model), fact('Dialect', `${r.dialect || dash} · ${r.call || dash}`),
			fact('Answered by', r.provider && providerLink(r.provider, ' · ' + (r.target || dash))),
			fact('First token', ms(r.ttft_ms)), fact('Duration', ms(r.duration_ms)),
			fact('Tokens', `${exact(r.tokens_in)} in · ${exact(r.tokens_out)} out` + (r.tokens_cached ? ` · ${exact(r.tokens_cached)} cached` : '')),
			fact('Cost', money(r.cost_microusd)),
			fact('Session', r.session && h('a', {href: '#/requests?session=' + seg(r.session)}, r.session)), fact('Agent', r.agent)),
		waterfall(r), decision(r.decision)];
}

// waterfall draws the attempts on one scale: waiting, to the first token, the rest of the answer.
function waterfall(r) {
	const list = r.attempts;
	if (!list.length) return null;
	const total = Math.max(r.duration_ms || 0, ...list.map(a => (a.start_ms || 0) + (a.duration_ms || 0)), 1);
	const part = (cls, from, length, name) => length > 0 && h('i', {class: 'seg ' + cls, title: `${name} ${ms(length)}`, style: {left: (from / total) * 100 + '%', width: Math.max(0.4, (length / total) * 100) + '%'}});
	const one = (a, i) => {
		const ok = !a.class;
		const first = a.ttft_ms ?? a.duration_ms ?? 0;
		const wait = a.wait_ms || 0;
		const start = a.start_ms || 0;
		return h('li', {key: i}, h('div.attempt-head', h('b.num', i + 1), h('span', `${providerTitle(a.provider)} · ${a.model || dash}`), a.key && chip(a.key, 'key'),
			h('span.end.tone-' + (ok ? 'ok' : 'bad'), shape(ok ? 'ok' : 'bad'), ' ', ok ? a.status || 'ok' : `${a.status || ''} ${a.class}`)),
		h('div.track', {role: 'img', label: `Starts after ${ms(start)}, waits ${ms(wait)}, first token after ${ms(a.ttft_ms)}, lasts ${ms(a.duration_ms)}`},
			part('wait', start - wait, wait, 'Waited'), part(ok ? 'first' : 'bad', start, first, ok ? 'Until the first token' : 'Failed after'),
			ok && part('rest', start + first, (a.duration_ms || 0) - first, 'Answer')),
		h('p.attempt-note', h('span.num', `at ${ms(start)}, `, ok && a.ttft_ms != null ? `first token ${ms(a.ttft_ms)}, ` : '', `took ${ms(a.duration_ms)}`, wait ? `, waited ${ms(wait)}` : ''),
			!ok && (a.reason || a.message) && h('span', ' — ' + [a.code, a.reason, a.message].filter(Boolean).join(' · ')),
			a.dropped?.length > 0 && muted(' dropped: ' + a.dropped.join(', '))));
	};
	return h('section.part', h('header.section-head', h('h3', plural(list.length, 'attempt')), h('span.key-legend',
		h('i', {class: 'seg wait'}), 'waiting', h('i', {class: 'seg first'}), 'to first token', h('i', {class: 'seg rest'}), 'answer', h('i', {class: 'seg bad'}), 'failed')),
	h('ol.waterfall', list.map(one)), h('div.scale.num', { 'aria-hidden': 'true'}, h('span', '0'), h('span', ms(total / 2)), h('span', ms(total))));
}

function decision(d) {
	if (!d?.candidates?.length) return null;
	return h('section.part', h('header.section-head', h('h3', 'Decision'), muted(d.strategy, d.affinity && ` · ${typeof d.affinity === 'string' ? 'affinity: ' + d.affinity : 'affinity'}`)),
		plain([':', 'Candidate', 'n:Tier', 'n:Score', 'muted:Why'], d.candidates, c => [c.picked && h('span.tone-ok', {title: 'picked'}, shape('ok'), h('span.sr', 'picked')),
			`${providerTitle(c.provider)} · ${c.model}`, c.tier, ms(c.score_ms), typeof c.filtered === 'string' ? c.filtered : c.reason || (c.filtered ? 'filtered' : '')], c => (c.filtered ? 'off' : '')));
}
