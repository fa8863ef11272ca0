// The routes: what clients may ask for, who would answer, and why.

import {button, call, catalogue, chip, count, during, empty, h, head, iconButton, input, may, meter, ms, muted, named, plain, plural, problems, providerList, providers, providerTitle, rate, ready, redraw, Resource, resting, searchBox, select, shape, toast, toggle} from './parts.js';

const models = new Resource('models?limit=500', 'aliases');
const st = {rows: null, etag: '', error: null, busy: false, find: ''};
let timer;

const lot = c => (c.picked ? ['ok', 'now'] : c.filtered ? ['rest', 'left out'] : ['off', 'next']);

const candidate = worst => c => {
	const [tone, word] = lot(c);
	return [h('span.badge', {class: 'tone-' + tone}, shape(tone), h('span', {class: c.picked ? '' : 'sr'}, word)),
		[h('b', providerTitle(c.provider)), ' ', muted(c.model)], c.tier,
		c.score_ms != null ? h('span.score', meter(c.score_ms / worst, ms(c.score_ms), 'c1'), ms(c.score_ms)) : '–',
		ms(c.expected_ttft_ms), rate(c.tokens_per_second), count(c.in_flight),
		[typeof c.filtered === 'string' ? c.filtered : c.reason, c.resting_until && [' ', resting(c.resting_until)]]];
};

function alias(a) {
	const worst = Math.max(...a.candidates.map(c => c.score_ms || 0), 1);
	const picked = a.candidates.find(c => c.picked);
	return h('section.card.route', {key: a.alias, label: a.alias}, h('header.card-head', h('h2', h('code', a.alias), ' ', chip(a.strategy)),
		muted(picked ? ['now ', h('b', providerTitle(picked.provider))] : h('span.tone-bad', 'nobody can answer now'))),
	plain(['w-s:', 'Candidate', 'n:Tier', 'n w-l:Score', 'n lo:First token', 'n mid:Tokens/s', 'n mid:In flight', 'muted lo:Why'], a.candidates.slice(0, 50), candidate(worst), c => (c.picked ? 'picked' : c.filtered ? 'off' : '')));
}

function startEdit() {
	if (!catalogue.data) catalogue.load();
	st.rows = models.data.rows.map((r, i) => ({...r, enabled: r.enabled !== false, key: i}));
	Object.assign(st, {etag: models.etag, error: null});
	redraw();
}

const save = () => during(st, async () => {
	const rows = st.rows.map(({alias, provider, model, tier, weight, enabled}) => ({alias: alias.trim(), provider, model: model.trim(), tier: Number(tier) || undefined, weight: Number(weight) || undefined, enabled}));
	await call('PUT', 'models', {rows}, st.etag);
	st.rows = null;
	toast('Routes saved');
	await models.load();
});

const problemAt = (i, name) => st.error?.problems?.find(p => p.pointer === `/rows/${i}/${name}`)?.message;

function editRow(r, i) {
	const cell = (name, props) => {
		const bad = problemAt(i, name);
		return h('td', {class: bad ? 'has-problem' : ''}, input({value: r[name] ?? '', label: `${name} of row ${i + 1}`, 'aria-invalid': bad ? 'true' : null, title: bad, ...props, oninput: e => {r[name] = e.target.value;}}), bad && h('p.problem', bad));
	};
	return h('tr', {key: r.key}, cell('alias', {required: true}),
		h('td', select(providerList().slice(0, 300).map(p => [p.id, named(p)]), {value: r.provider, label: `provider of row ${i + 1}`, onchange: e => {r.provider = e.target.value;}})),
		cell('model', {list: 'models-of-' + (providerList().find(p => p.id === r.provider)?.kind || '')}), cell('tier', {type: 'number', min: 1}), cell('weight', {type: 'number', min: 1}),
		h('td', toggle(`row ${i + 1} in use`, r.enabled, () => {r.enabled = !r.enabled;})), h('td', iconButton('trash', `Remove row ${i + 1}`, () => {st.rows.splice(i, 1);})));
}

function editor() {
	const last = st.rows.at(-1);
	const add = () => {st.rows.push({alias: last?.alias || '', provider: last?.provider || providerList()[0]?.id || '', model: '', tier: last?.tier || 1, weight: 1, enabled: true, key: 'n' + Date.now()});};
	return h('div', (catalogue.data?.kinds || []).map(k => h('datalist', {id: 'models-of-' + k.kind, key: k.kind}, (k.models || []).map(m => h('option', {value: m.id, key: m.id})))),
		h('div.table-wrap', h('table.rows-edit', h('thead', h('tr', h('th', 'Alias'), h('th', 'Provider'), h('th', 'Model'), h('th.w-s', 'Tier'), h('th.w-s', 'Weight'), h('th.w-s', 'In use'), h('th.w-s', h('span.sr', 'Actions')))),
			h('tbody', st.rows.slice(0, 500).map(editRow)))), h('div.add-bar', button('Add row', add, {icon: 'plus'})),
		st.error && h('div.notice.bad.gap', {role: 'alert'}, shape('bad'), h('div', st.error.message, problems(st.error.problems), st.error.stale && h('div.actions', button('Load the present rows', async () => {await models.load(); startEdit();})))),
		h('div.bar', h('p', plural(st.rows.length, 'row')), button('Cancel', () => {st.rows = null;}), button('Save routes', save, {kind: 'primary', busy: st.busy})));
}

function view(data) {
	if (st.rows) return editor();
	const wanted = st.find.toLowerCase();
	const list = data.aliases.filter(a => !wanted || a.alias.toLowerCase().includes(wanted));
	if (!data.aliases.length) return empty('No routes yet', 'A model of the catalogue goes to its provider, any other name to the fastest one. An alias such as “coder” says who may answer.', may('admin') && button('Add a route', startEdit, {kind: 'primary'}));
	return [data.aliases.length > 8 && h('div.toolbar', searchBox('Search aliases', st.find, v => {st.find = v;})), list.slice(0, 100).map(alias)];
}

export default {
	path: 'routes', title: 'Routes', icon: 'routes',
	enter() {
		models.load();
		if (!providers.data) providers.load();
		timer = setInterval(() => {if (!st.rows && !document.hidden) models.load();}, 3000);
	},
	leave() {clearInterval(timer);},
	view: () => [head('Routes', 'Scores are the expected time to a useful answer, as of now. Less is better.', may('admin') && !st.rows && models.data && button('Edit rows', startEdit, {icon: 'edit'})), ready(models, view, 8)],
};
