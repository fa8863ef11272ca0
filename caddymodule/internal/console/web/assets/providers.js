// The providers, and in which order they are asked.

import {attempt, badge, button, call, count, dash, empty, fact, form, h, head, icon, may, ms, named, percent, plain, plural, post, providerList, providers, rate, ready, redraw, remove, resting, say, searchBox, seg, shape, toast, toggle} from './parts.js';
import {spark} from './chart.js';
import {addKey, keyLine} from './keys.js';

const st = {open: '', drag: '', over: null, find: ''};
const shown = 200;
export const tests = {}; // what the last test of each provider said

const path = (p, rest = '') => 'providers/' + seg(p.id) + rest;

// test asks the provider with a key; the answer says whether that cost money.
export async function test(id) {
	tests[id] = {busy: true};
	redraw();
	try {tests[id] = await post('providers/' + seg(id) + '/test');} catch (e) {tests[id] = {ok: false, message: e.message};}
	say(tests[id].ok ? id + ' answers' : id + ' failed: ' + tests[id].message);
	redraw();
}

export const testResult = t => t && !t.busy && h('div.notice', {class: t.ok ? '' : 'bad', role: 'status'}, shape(t.ok ? 'ok' : 'bad'),
	h('div', h('b', t.ok ? 'It answers' : 'It does not answer'), ' ', [t.message, t.status && 'status ' + t.status, t.code, t.ms != null && ms(t.ms), t.paid && 'this test was charged'].filter(Boolean).join(' · ')));

const switchOn = p => attempt(() => post(path(p, '/toggle'), {enabled: !p.enabled}).then(() => providers.load()), `${named(p)} is ${p.enabled ? 'off' : 'on'}`);

// move changes tiers at once and offers to take it back.
async function move(p, tier) {
	if (tier < 1 || tier === p.tier || !may('admin')) return;
	const was = p.tier;
	const set = t => post('providers/order', {tiers: {[p.id]: t}}).then(() => {p.tier = t; return providers.load();});
	if (!await attempt(() => set(tier))) return;
	say(`${named(p)} is now in tier ${tier}`);
	toast(`${named(p)} moved to tier ${tier}`, {action: () => attempt(() => set(was)), label: 'Undo'});
}

function grip(p) {
	return h('button.quiet.square.grip', {
		draggable: 'true', disabled: !may('admin'), label: `${named(p)}, tier ${p.tier}. Arrow up and down change the tier`, title: 'Drag to another tier, or press the arrows',
		onkeydown: e => {
			const step = {ArrowUp: -1, ArrowDown: 1}[e.key];
			if (!step) return;
			e.preventDefault();
			move(p, p.tier + step);
		},
		ondragstart: e => {st.drag = p.id; e.dataTransfer.setData('text/plain', p.id); e.dataTransfer.effectAllowed = 'move'; setTimeout(redraw);},
		ondragend: () => {st.drag = ''; st.over = null;},
	}, icon('grip'));
}

const dropOn = tier => ({
	ondragover: e => {if (st.drag) {e.preventDefault(); st.over = tier;}},
	ondrop: e => {e.preventDefault(); const p = providerList().find(x => x.id === st.drag); st.drag = ''; st.over = null; if (p) move(p, tier);},
});

function row(p) {
	const isOpen = st.open === p.id;
	const {keys} = p;
	return h('section.card', {key: p.id, label: named(p), class: 'is-' + p.status},
		h('div.provider-row', {class: isOpen ? 'chosen' : ''}, grip(p),
			h('div', h('button.link', {'aria-expanded': String(isOpen), onclick: () => {st.open = isOpen ? '' : p.id;}}, h('b', named(p))), h('small', p.id === p.kind ? p.kind : `${p.id} · ${p.kind}`)),
			badge(p.status),
			h('div.mid-hide', h('span.num', ms(p.ttft_ms)), h('small', 'first token')),
			h('div.mid-hide', h('span.num', percent(p.success_rate)), h('small', 'success')),
			h('div.mid', h('span.num', `${keys.filter(k => k.state === 'ready').length}/${keys.length}`), h('small', 'keys ready')),
			h('div.mid', spark(p.spark, 'Requests of the last five minutes')),
			h('div.actions', button('Test', () => {st.open = p.id; test(p.id);}, {kind: 'quiet', busy: tests[p.id]?.busy, disabled: !may('operator')}),
				toggle(named(p) + ' in use', p.enabled, () => switchOn(p), {disabled: !may('operator')}))),
		isOpen && detail(p));
}

function detail(p) {
	return h('div.detail', p.status_text && h('p.muted', p.status_text), testResult(tests[p.id]),
		h('dl.facts.wide', fact('Base URL', h('code', p.base_url || dash)), fact('Anthropic URL', p.anthropic_base_url), fact('Responses URL', p.responses_base_url),
			fact('Tier and weight', `${p.tier} · ${p.weight ?? 1}`), fact('Defined in', p.origin || dash), fact('Ping', ms(p.ping_ms)), fact('Tokens per second', rate(p.tokens_per_second)), fact('Requests', `${count(p.requests)}, ${count(p.failures)} failed`), fact('Uptime', percent(p.uptime)), fact('In flight', count(p.in_flight))),
		p.targets?.length > 0 && plain(['Model', 'Breaker', 'n:First token', 'n lo:Tokens/s', 'n:Success'], p.targets.slice(0, 100), t => [t.model, [badge(t.breaker), t.until && [' ', resting(t.until)]], ms(t.ttft_ms), rate(t.tokens_per_second), percent(t.success_rate)]),
		h('ul.lines.bare', p.keys.slice(0, 100).map(k => keyLine(k))),
		may('admin') && h('div.actions', button('Add key', () => addKey(p.id), {icon: 'plus'}), button('Edit', () => edit(p), {icon: 'edit'}), button('Remove', () => remove(named(p), 'Running requests finish. Its keys stay in the vault.', path(p), () => providers.load()), {icon: 'trash', kind: 'danger', disabled: p.origin === 'environment'})));
}

// edit reads the provider afresh: its entity tag guards against a change by somebody else.
async function edit(p) {
	let fresh;
	if (!await attempt(async () => {fresh = await call('GET', path(p));})) return;
	const {base_url, anthropic_base_url, responses_base_url, tier, weight} = fresh.data;
	const initial = {base_url, anthropic_base_url, responses_base_url, tier, weight};
	form({
		title: `Edit ${named(p)}`, values: {...initial}, done: 'Saved',
		fields: (v, ask) => [
			ask('base_url', 'Base URL', {type: 'url'}, 'Empty means the catalogue’s.'),
			['anthropic_base_url', 'responses_base_url'].map(k => v[k] !== undefined && ask(k, k.startsWith('a') ? 'Anthropic base URL' : 'Responses base URL', {type: 'url'})),
			h('div.fields', ask('tier', 'Tier', {type: 'number', min: 1, required: true}, 'Lower tiers are asked first.'), ask('weight', 'Weight', {type: 'number', min: 1})),
		],
		submit: async v => {
			const changed = Object.fromEntries(Object.keys(v).filter(k => v[k] !== initial[k]).map(k => [k, k === 'tier' || k === 'weight' ? Number(v[k]) : v[k]]));
			await call('PUT', path(p), changed, fresh.etag);
			await providers.load();
		},
		again: () => edit(p),
	});
}

// create adds a provider with one key and tests it.
export async function create(v) {
	const body = {id: v.id.trim(), kind: v.kind, tier: Number(v.tier) || 1};
	if (v.base_url) body.base_url = v.base_url.trim();
	if (v.secret) body.keys = [{name: 'main', secret: v.secret.trim()}];
	await post('providers', body);
	v.secret = '';
	await providers.load();
	test(body.id);
}

function view() {
	const wanted = st.find.toLowerCase();
	const list = providerList().filter(p => !wanted || `${p.id} ${p.title} ${p.kind} ${p.status}`.toLowerCase().includes(wanted));
	if (!providerList().length) return empty('No providers yet', 'A vendor with your keys, or a server of your own.', may('admin') && h('a.button.primary', {href: '#/setup'}, 'Add a provider'));
	if (!list.length) return empty('Nothing matches', 'No provider has this name, kind or status.');
	const tiers = [...new Set(list.map(p => p.tier))].sort((a, b) => a - b);
	let room = shown;
	return [tiers.map(tier => {
		const members = list.filter(p => p.tier === tier);
		const visible = members.slice(0, Math.max(0, room));
		room -= visible.length;
		return visible.length > 0 && h('section.tier', {key: 't' + tier, class: st.over === tier ? 'over' : '', ...dropOn(tier)}, h('h2', `Tier ${tier}`, tier === tiers[0] ? ', asked first' : ''), visible.map(row));
	}), list.length > shown && h('p.centre.muted', `${plural(list.length - shown, 'more provider')}; search to see them.`),
	st.drag && h('div.tier-new', {key: 'new', ...dropOn(tiers.at(-1) + 1)}, `Drop here for a new tier ${tiers.at(-1) + 1}`)];
}

export default {
	path: 'providers', title: 'Providers', icon: 'providers',
	enter(q) {if (q.id) st.open = q.id; providers.load();},
	query(q) {if (q.id) {st.open = q.id; st.find = ''; redraw();}},
	view: () => [head('Providers', 'Lower tiers are asked first; within a tier the fastest healthy one.', may('admin') && h('a.button.primary', {href: '#/setup'}, icon('plus'), 'Add provider')),
		providerList().length > 12 && h('div.toolbar', searchBox('Search name, kind, status', st.find, v => {st.find = v;})),
		ready(providers, view, 6)],
};
