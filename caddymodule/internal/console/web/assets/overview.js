// The overview: how the gateway is doing, at one glance.

import {badge, button, card, choice, count, dash, empty, fact, failure, get, h, head, may, meter, moment, money, ms, muted, named, percent, plural, providerList, providers, providerTitle, rate, ready, redraw, resting, seg, shape, state, tone} from './parts.js';
import {Chart, spark} from './chart.js';
import {alertLine} from './alerts.js';
import {openRequest} from './request.js';

const spans = [['15m', '15 min'], ['1h', '1 h'], ['24h', '24 h']];
const most = 24; // provider cards shown at first
const st = {span: '15m', day: null, error: null, all: false, charts: null};

function makeCharts() {
	const height = 186;
	return {
		requests: new Chart({height, title: 'Requests per second', area: true, format: rate, series: [{name: 'All', cls: 'c1'}, {name: 'Failed', cls: 'c-bad'}]}),
		ttft: new Chart({height, title: 'Time to first token', format: ms, series: [{name: 'p50', cls: 'c1'}, {name: 'p95', cls: 'c2'}]}),
		tokens: new Chart({height, title: 'Output tokens per second', area: true, format: rate, series: [{name: 'Out', cls: 'c2'}]}),
		cost: new Chart({height, title: 'Cost per minute', area: true, format: money, series: [{name: 'Cost', cls: 'c1'}]}),
	};
}

// history is what the charts show: the hour the feed keeps current, its last quarter, or the day.
function history() {
	if (st.span === '24h') return st.day;
	const all = state.history;
	if (!all || st.span === '1h') return all;
	const keep = Math.ceil(900 / all.step_seconds);
	return Object.fromEntries(Object.entries(all).map(([k, v]) => [k, Array.isArray(v) ? v.slice(-keep) : v]));
}

async function pick(name) {
	st.span = name;
	redraw();
	if (name !== '24h') return;
	try {Object.assign(st, {day: await get('metrics/history?span=24h'), error: null});} catch (e) {st.error = e;}
	redraw();
}

const over = (list, seconds, factor = 1) => list.map(v => (v == null ? null : v / seconds * factor));

function drawCharts() {
	const hist = history();
	const key = hist && `${st.span} ${hist.time.length} ${hist.time.at(-1)} ${hist.requests.at(-1)} ${hist.tokens_out.at(-1)}`;
	if (!hist || key === st.drawn) return;
	st.drawn = key;
	const sec = hist.step_seconds;
	const c = st.charts;
	c.requests.set(hist.time, [over(hist.requests, sec), over(hist.failures, sec)]);
	c.ttft.set(hist.time, [hist.ttft_p50_ms, hist.ttft_p95_ms]);
	c.tokens.set(hist.time, [over(hist.tokens_out, sec)]);
	c.cost.set(hist.time, [over(hist.cost_microusd, sec, 60)]);
}

const tail = (name, n = 30) => (state.history?.[name] || []).slice(-n);
const tile = (label, value, note, line, cls = '', color = 'c1') => h('div.tile', {class: cls, key: label}, h('h2', label),
	h('p.value.num', value), h('p.note', note || ' '), spark(line, label + ', trend of the last minutes', color));

function tiles() {
	const m = state.metrics || {};
	const ok = m.success_rate;
	return h('section.tiles', {label: 'Key figures'},
		tile('Requests / s', rate(m.requests_per_second), `${count(m.requests)} in a minute`, tail('requests')),
		tile('Success', percent(ok), m.failures ? plural(m.failures, 'failure') + ' in a minute' : 'no failures in a minute', tail('failures'), ok < 0.9 ? 'bad' : ok < 0.99 ? 'warn' : '', 'c-bad'),
		tile('First token, p50', ms(m.ttft_ms?.p50), `p95 ${ms(m.ttft_ms?.p95)}`, tail('ttft_p50_ms')),
		tile('Tokens / s', rate(m.tokens_per_second), `${count(m.tokens_out)} out, ${count(m.tokens_in)} in`, tail('tokens_out'), '', 'c2'),
		tile('Cost today', money(state.today), `${money(m.cost_microusd)} in a minute`, tail('cost_microusd')),
		tile('In flight', count(m.in_flight), plural(m.streams || 0, 'stream'), tail('in_flight')));
}

// keyRow shows every key as a shape, and says which rest until when.
function keyRow(p) {
	const {keys} = p;
	if (!keys.length) return h('p.keys-line', muted('no key needed'));
	const rests = keys.filter(k => k.state === 'resting');
	const readyKeys = keys.filter(k => k.state === 'ready').length;
	return h('p.keys-line', h('span.key-shapes', {'aria-hidden': 'true'}, keys.slice(0, 12).map(k => h('span', {key: k.name, title: `${k.name}: ${k.state}`}, shape(tone(k.state))))),
		muted(`${readyKeys} of ${plural(keys.length, 'key')} ready`),
		rests.length > 0 && h('span.rest-note', rests[0].name, ' rests ', resting(rests[0].until), rests.length > 1 && ` +${rests.length - 1}`));
}

function providerCard(p) {
	const open = p.targets.filter(t => t.breaker !== 'closed');
	return h('a.provider-card', {key: p.id, href: '#/providers?id=' + seg(p.id), class: 'is-' + p.status},
		h('header', h('h3', named(p)), muted('tier ' + p.tier), badge(p.status)),
		spark(p.spark, `${named(p)}: requests of the last five minutes`, p.status === 'down' ? 'c-bad' : 'c1'),
		h('dl.facts', fact('First token', ms(p.ttft_ms)), fact('Tokens/s', rate(p.tokens_per_second)), fact('Success', percent(p.success_rate)), fact('In flight', count(p.in_flight))),
		h('div.uptime', muted('Uptime ', h('b.num', percent(p.uptime))), meter(p.uptime, `Uptime ${percent(p.uptime)}`, p.uptime < 0.99 ? 'warn' : '')),
		keyRow(p),
		p.status !== 'ok' && p.status_text && h('p.why', p.status_text),
		open.length > 0 && h('p.why', `${open[0].model}: breaker ${open[0].breaker}`, open[0].until && [' for ', resting(open[0].until)], open.length > 1 && `, ${open.length - 1} more`));
}

function attention() {
	const active = state.alerts.filter(a => a.state !== 'resolved');
	const list = providerList().flatMap(p => p.keys.flatMap(k => k.rests.map(r => ({p, k, r}))));
	const quiet = !active.length && !list.length;
	return card('Needs attention', quiet ? null : h('span.count.num', active.length + list.length),
		quiet && h('p.calm', shape('ok'), 'Nothing. No alert is active and no key rests.'),
		h('ul.lines', active.slice(0, 3).map(alertLine),
			list.slice(0, 3).map(({p, k, r}) => h('li', {key: p.id + '/' + k.name + r.model}, h('span.tone-rest', shape('rest')), h('div',
				h('a', {href: '#/keys?q=' + seg(k.name)}, `${providerTitle(p.id)} · ${k.name}`), h('small', [r.model, r.reason].filter(Boolean).join(' · '))), h('span.end', resting(r.until))))));
}

function failovers() {
	const list = state.recent.filter(r => r.attempts > 1).slice(0, 3);
	return card('Recent failovers', h('a.more-link', {href: '#/requests'}, 'All requests'),
		!list.length && h('p.calm', shape('ok'), 'None lately. First choices answer.'),
		h('ul.lines', list.map(r => h('li', {key: r.id}, h('span', {class: 'tone-' + (r.class ? 'bad' : 'ok')}, shape(r.class ? 'bad' : 'ok')),
			h('div', h('button.link', {onclick: () => openRequest(r.id)}, r.model || r.id),
				h('small', !r.class ? `${providerTitle(r.provider) || dash} answered, attempt ${r.attempts}` : `failed after ${plural(r.attempts, 'attempt')}`)),
			h('time.end.num', {datetime: r.start}, moment(r.start))))));
}

function providerCards(data) {
	const list = [...data.providers].sort((a, b) => a.tier - b.tier);
	if (!list.length) {
		return empty('No providers yet', 'Add one, paste its key, point your client here: about a minute.', may('admin') && h('a.button.primary', {href: '#/setup'}, 'Set up a provider'));
	}
	const shown = st.all ? list.slice(0, 300) : list.slice(0, most);
	return [h('div.provider-cards', shown.map(providerCard)),
		list.length > shown.length && h('p.centre', button(`Show more of the ${count(list.length)}`, () => {st.all = true;}))];
}

const chartNames = ['requests', 'ttft', 'tokens', 'cost'];

export default {
	path: 'overview', title: 'Overview', icon: 'overview',
	enter() {
		st.charts ||= makeCharts();
		st.drawn = '';
		if (!providers.data) providers.load();
	},
	leave() {
		for (const name of chartNames) st.charts[name].free();
		st.charts = null;
	},
	view() {
		if (!st.guided && state.meta?.setup_needed && may('admin')) {st.guided = true; location.hash = '#/setup';}
		drawCharts();
		return [head('Overview', null, choice('Span of the charts', spans, st.span, pick)), tiles(),
			st.error && failure(st.error, () => pick(st.span)),
			h('div.overview-main',
				h('section.charts', {label: 'Charts'}, chartNames.map(name => h('div.card.chart-card', {key: name}, st.charts[name].el))),
				h('div.rail', attention(), failovers())),
			h('section', {label: 'Providers'}, h('header.section-head', h('h2', 'Providers'), h('a.more-link', {href: '#/providers'}, 'Manage')), ready(providers, providerCards, 4))];
	},
};
