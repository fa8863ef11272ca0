// The requests: as a list that grows, and by conversation.

import {button, chip, choice, count, dash, empty, exact, failure, get, h, head, icon, listen, moment, money, ms, muted, named, plural, providerList, providerTitle, query, ready, redraw, Resource, searchBox, select, skeleton} from './parts.js';
import {Table} from './table.js';
import {openRequest, outcome} from './request.js';

const fields = ['q', 'provider', 'model', 'client', 'session', 'class'];
const most = 10000; // rows kept
const blank = () => Object.fromEntries(fields.map(f => [f, '']));
const st = {tab: 'list', filter: blank(), rows: [], next: '', error: null, busy: false, live: true, waiting: [], table: null, turn: 0, seen: new Set()};
const sessions = new Resource('sessions?limit=500');
const branches = new Map(); // open sessions and agents: key → Resource or true

const columns = [
	{id: 'start', head: 'Time', cls: 'w-m', cell: r => h('time', {datetime: r.start}, moment(r.start))},
	{id: 'status', head: 'Result', cls: 'w-m', cell: outcome},
	{id: 'model', head: 'Model', cls: 'w-m', cell: r => r.model || dash},
	{id: 'provider', head: 'Answered by', cls: 'lo', cell: r => [providerTitle(r.provider) || dash, ' ', muted(r.target)]},
	{id: 'client', head: 'Client', cls: 'w-s mid', cell: r => r.client || dash},
	{id: 'ttft', head: 'First', cls: 'n w-s lo', value: r => r.ttft_ms, cell: r => ms(r.ttft_ms)},
	{id: 'duration', head: 'Duration', cls: 'n w-m', value: r => r.duration_ms, cell: r => ms(r.duration_ms)},
	{id: 'tokens', head: 'Tokens in → out', cls: 'n w-l xl', value: r => r.tokens_in, cell: r => `${count(r.tokens_in)} → ${count(r.tokens_out)}`},
	{id: 'cost', head: 'Cost', cls: 'n w-s lo', value: r => r.cost_microusd, cell: r => money(r.cost_microusd)},
	{id: 'attempts', head: 'Tries', cls: 'n w-s mid', value: r => r.attempts, cell: r => (r.attempts > 1 ? chip(r.attempts, 'attempts') : r.attempts || dash)},
];

const matches = r => fields.every(f => !st.filter[f] || (f === 'q'
	? [r.id, r.model, r.target, r.provider, r.client, r.session, r.agent, r.class, r.reason].join(' ').toLowerCase().includes(st.filter.q.toLowerCase())
	: r[f] === st.filter[f]));

// read fetches a page of the list; more continues the last one.
async function read(more) {
	const turn = ++st.turn;
	st.busy = true;
	try {
		const data = await get('requests' + query({...st.filter, limit: more ? 500 : 200, cursor: more ? st.next : ''}));
		if (turn !== st.turn) return;
		const fresh = data.requests.filter(r => !more || !st.seen.has(r.id));
		Object.assign(st, {rows: more ? st.rows.concat(fresh) : fresh, next: data.next || '', error: null, loaded: true});
		if (!more) {st.waiting = []; st.seen.clear();}
		for (const r of fresh) st.seen.add(r.id);
	} catch (e) {
		if (turn === st.turn) st.error = e;
	}
	if (turn === st.turn) st.busy = false;
	redraw();
}

function arrived(message) {
	if (message.type === 'hello') read();
	const r = message.type === 'request' && message.data;
	if (!r || !matches(r)) return;
	if (!st.live || window.scrollY > 300) st.waiting = [r, ...st.waiting.slice(0, 499)];
	else add([r]);
}

function add(list) {
	const fresh = list.filter(r => !st.seen.has(r.id));
	for (const r of fresh) st.seen.add(r.id);
	st.rows = [...fresh, ...st.rows].slice(0, most);
}

let timer;
function setFilter(name, value) {
	st.filter[name] = value;
	clearTimeout(timer);
	timer = setTimeout(() => read(), name === 'q' ? 250 : 0);
	redraw();
}

// known lists the values seen, for a filter.
const known = name => [...new Set([...st.rows.slice(0, 2000).map(r => r[name]), st.filter[name]])].filter(Boolean).sort().slice(0, 200);
const pick = (name, label, list) => select([['', label], ...list], {value: st.filter[name], label, onchange: e => setFilter(name, e.target.value)});

function filters() {
	const any = fields.some(f => st.filter[f]);
	return h('div.toolbar', {role: 'search'}, searchBox('Search id, model, client, session', st.filter.q, v => setFilter('q', v)),
		pick('provider', 'Any provider', providerList().slice(0, 500).map(p => [p.id, named(p)])), pick('model', 'Any model', known('model').map(v => [v, v])),
		pick('client', 'Any client', known('client').map(v => [v, v])), pick('class', 'Any result', known('class').map(v => [v, v])),
		st.filter.session && button('Session ' + st.filter.session.slice(0, 16), () => setFilter('session', ''), {icon: 'close'}),
		any && button('Clear', () => {st.filter = blank(); read();}, {kind: 'quiet'}),
		button(st.live ? 'Pause' : 'Resume', () => {st.live = !st.live; if (st.live) {add(st.waiting); st.waiting = [];}}, {icon: st.live ? 'pause' : 'play'}));
}

function list() {
	if (st.error && !st.rows.length) return failure(st.error, () => read());
	if (!st.loaded) return skeleton(12);
	if (!st.rows.length) {
		return fields.some(f => st.filter[f]) ? empty('Nothing matches', 'No request that is kept fits these filters.', button('Clear the filters', () => {st.filter = blank(); read();}))
			: empty('No requests yet', 'Point a client at the gateway: its requests appear here.', h('a.button.primary', {href: '#/setup'}, 'Show the client lines'));
	}
	return [st.waiting.length > 0 && h('p.centre', button(`Show ${plural(st.waiting.length, 'new request')}`, () => {add(st.waiting); st.waiting = []; window.scrollTo(0, 0);})),
		st.table.set(st.rows), st.next && h('p.centre', button('Load older', () => read(true), {busy: st.busy}))];
}

// toggleBranch opens or closes a session or agent; what is below is read when asked for.
function toggleBranch(key, resource) {
	if (branches.has(key)) branches.delete(key);
	else {branches.set(key, resource || true); resource?.load();}
	redraw();
}

const branch = (key, label, figures, resource) => h('button.branch', {'aria-expanded': String(branches.has(key)), onclick: () => toggleBranch(key, resource)},
	h('span', icon('right'), label), figures.map((f, i) => h('span.num', {key: i, class: i < figures.length - 1 ? 'lo' : ''}, f)));

const ofSession = id => branches.get(id) || new Resource('requests' + query({session: id, limit: 500}));

function agent(session, a, requests) {
	const key = session.id + '\n' + a.id;
	return h('li', {key: a.id}, branch(key, a.id || 'main', [plural(a.requests, 'request'), '', '', money(a.cost_microusd)]),
		branches.has(key) && h('ul', requests.filter(r => (r.agent || '') === (a.id || '')).slice(0, 200).map(r => h('li', {key: r.id},
			h('button.branch', {onclick: () => openRequest(r.id)}, h('span', outcome(r), r.model, h('span.muted.lo', providerTitle(r.provider))),
				h('span.num.lo', ms(r.duration_ms)), h('span.num.lo', `${count(r.tokens_in)} → ${count(r.tokens_out)}`), h('span.num.lo', moment(r.start)), h('span.num', money(r.cost_microusd)))))));
}

function tree(data) {
	if (!data.sessions.length) return empty('No conversations yet', 'Requests that name a session are grouped here, with what each agent cost.');
	return h('ul.tree', data.sessions.slice(0, 300).map(one => h('li', {key: one.id},
		branch(one.id, [h('b', one.id), h('span.muted.lo', `${moment(one.start)} to ${moment(one.last)}`)], [plural(one.requests, 'request'), `${count(one.tokens_in)} → ${count(one.tokens_out)}`, plural(one.agents.length, 'agent'), money(one.cost_microusd)], ofSession(one.id)),
		branches.has(one.id) && ready(branches.get(one.id), d => h('ul', one.agents.map(a => agent(one, a, d.requests))), 2))));
}

let stop = () => {};

function take(q) {
	if (q.id) openRequest(q.id, () => {if (location.hash.includes('id=')) history.replaceState(null, '', '#/requests');});
	const asked = fields.filter(f => q[f]);
	if (asked.length) {st.filter = blank(); for (const f of asked) st.filter[f] = q[f]; st.tab = 'list';}
}

export default {
	path: 'requests', title: 'Requests', icon: 'requests',
	enter(q) {
		st.table = new Table({label: 'Requests', columns, id: r => r.id, open: r => openRequest(r.id), mark: r => (Date.now() - Date.parse(r.start) < 1500 + (r.duration_ms || 0) ? 'fresh' : '')});
		take(q);
		read();
		stop = listen(arrived);
	},
	query(q) {take(q); read();},
	leave() {stop(); st.table.free();},
	view: () => [head('Requests', st.loaded && `${exact(st.rows.length)}${st.next ? '+' : ''} shown`, choice('View', [['list', 'List'], ['tree', 'Sessions']], st.tab, v => {st.tab = v; if (v === 'tree') sessions.load();})),
		st.tab === 'list' ? [filters(), list()] : ready(sessions, tree, 8)],
};
