// The settings: every effective value and the layer it comes from; changes are checked and shown before they are
// saved, and can be taken back.

import {ago, attempt, button, call, card, chip, choice, empty, form, h, head, iconButton, input, listen, may, mono, muted, plain, plural, post, ready, redraw, Resource, searchBox, select, show, toast, toggle} from './parts.js';
import {people} from './users.js';

const config = new Resource('config');
const schema = new Resource('config/schema');
const st = {tab: 'values', find: '', layer: '', edits: new Map(), editing: '', problems: [], busy: false, etag: '', stop: () => {}};
const most = 300; // values shown
const gone = Symbol('back to the layer below');

// about follows a pointer through the JSON Schema.
function about(pointer) {
	const root = schema.data;
	let at = root;
	const resolve = node => (node?.$ref ? {...root.$defs?.[node.$ref.split('/').pop()], ...node} : node);
	for (const name of pointer.split('/').slice(1)) {
		at = resolve(at);
		at = at?.properties?.[name.replaceAll('~1', '/').replaceAll('~0', '~')] || at?.items || (typeof at?.additionalProperties === 'object' ? at.additionalProperties : undefined);
	}
	return resolve(at) || {};
}

const name = pointer => pointer.split('/').slice(1).join('.');
const edited = v => st.edits.has(v.pointer);
const present = v => (edited(v) ? st.edits.get(v.pointer) : v.value);

function change(v, value) {
	if (!st.edits.size) st.etag = config.etag;
	if (JSON.stringify(value) === JSON.stringify(v.value)) st.edits.delete(v.pointer);
	else st.edits.set(v.pointer, value);
	st.problems = st.problems.filter(p => p.pointer !== v.pointer);
	redraw();
}

// control is the field for a value; what is neither switch, choice, number nor text is edited as JSON.
function control(v, info, bad) {
	const now = present(v) === gone ? v.value : present(v);
	const rest = {id: 'set' + v.pointer, label: name(v.pointer), 'aria-invalid': bad ? 'true' : null};
	if (typeof v.value === 'boolean') return toggle(name(v.pointer), now, () => change(v, !now));
	if (info.enum) return select(info.enum.map(x => [String(x), String(x)]), {...rest, value: String(now), onchange: e => change(v, info.enum.find(x => String(x) === e.target.value))});
	const numeric = typeof v.value === 'number';
	const parse = text => {
		if (numeric) return text === '' || Number.isNaN(Number(text)) ? text : Number(text);
		if (typeof v.value === 'string') return text;
		try {return JSON.parse(text);} catch {return text;}
	};
	return input({...rest, value: show(now), inputmode: numeric ? 'decimal' : null, oninput: e => change(v, parse(e.target.value))});
}

function setting(v) {
	const info = about(v.pointer);
	const bad = st.problems.find(p => p.pointer === v.pointer);
	const isOpen = may('admin') && (st.editing === v.pointer || edited(v));
	const after = present(v);
	return h('div.setting', {key: v.pointer, class: edited(v) ? 'changed' : ''}, h('div', mono(name(v.pointer)), h('p.muted', info.description && h('small', info.description)), bad && h('p.problem', {role: 'alert'}, bad.message, bad.hint && ' ' + bad.hint)),
		h('div.setting-value', {class: bad ? 'has-problem' : ''}, isOpen ? after === gone ? h('em.muted', 'back to the value below') : control(v, info, bad) : [show(v.value), chip(v.layer, v.origin || v.layer)]),
		!may('admin') || v.layer === 'environment' ? h('span') : isOpen ? h('span.actions', v.layer === 'overrides' && after !== gone && iconButton('trash', 'Drop this override', () => change(v, gone)), iconButton('undo', 'Leave as it is', () => {st.editing = ''; change(v, v.value);}))
			: iconButton('edit', 'Edit ' + name(v.pointer), () => {st.editing = v.pointer; setTimeout(() => document.getElementById('set' + v.pointer)?.focus(), 30);}));
}

function values(data) {
	const wanted = st.find.toLowerCase();
	const hits = data.values.filter(v => (!st.layer || v.layer === st.layer) && (!wanted || `${name(v.pointer)} ${show(v.value)} ${about(v.pointer).description || ''}`.toLowerCase().includes(wanted)));
	const layers = [...new Set(data.values.map(v => v.layer))];
	const groups = Map.groupBy(hits.slice(0, most), v => v.pointer.split('/')[1]);
	return [h('div.toolbar', searchBox('Search settings', st.find, v => {st.find = v;}), select([['', 'Any layer'], ...layers.map(l => [l, l])], {value: st.layer, label: 'Layer', onchange: e => {st.layer = e.target.value;}})),
		!hits.length && empty('Nothing matches', 'No setting has this name, value or layer.'),
		[...groups].map(([key, list]) => h('div.below', {key}, card(about('/' + key).title || key, null, list.map(setting)))),
		hits.length > most && h('p.centre.muted', `${plural(hits.length - most, 'more value')}; search to see them.`), st.edits.size > 0 && bar()];
}

const bar = () => h('div.bar', h('p', {role: 'status'}, plural(st.edits.size, 'change'), st.problems.length > 0 && h('span.problem', `, ${plural(st.problems.length, 'problem')}`)), button('Discard', discard), button('Review and save', review, {kind: 'primary', busy: st.busy}));

const discard = () => {st.edits.clear(); Object.assign(st, {problems: [], editing: ''});};

const body = () => ({set: [...st.edits].filter(([, v]) => v !== gone).map(([pointer, value]) => ({pointer, value})), unset: [...st.edits].filter(([, v]) => v === gone).map(([pointer]) => pointer)});

// review has the gateway check the changes and shows what they would do.
async function review() {
	st.busy = true;
	redraw();
	await attempt(async () => {
		const found = await post('config/validate', body());
		st.problems = found.problems;
		if (found.ok) confirm(found.diff);
		else toast(`Not saved: ${plural(st.problems.length, 'problem')}. ${st.problems[0].message}`, {bad: true});
	});
	st.busy = false;
	redraw();
}

const diff = list => h('div.diff', plain(['Setting', 'Before', 'After'], list, d => [mono(name(d.pointer)), h('del', show(d.before)), h('ins', d.after === undefined ? 'as below' : show(d.after))]));

const confirm = list => form({
	title: 'Save these changes?', lead: 'They take effect at once; running streams go on.', done: 'Saved',
	fields: () => diff(list),
	submit: async () => {
		try {
			await call('PUT', 'config', body(), st.etag);
			discard();
			await config.load();
		} catch (e) {
			st.problems = e.problems;
			if (e.stale) {e.message += ' Your changes stay in their fields; look again and save.'; await config.load(); st.etag = config.etag;}
			throw e;
		}
	},
});

const undo = u => form({
	title: 'Take this change back?', lead: `${u.summary}, by ${u.actor} ${ago(u.at)}.`, action: 'Undo', done: 'Taken back',
	submit: async () => {await post('config/undo', {id: u.id}); await config.load();},
});

const history = data => [data.undo?.length ? card('Recent changes', null, h('ul.lines', data.undo.slice(0, 100).map(u => h('li', {key: u.id}, h('div', h('b', u.summary), h('small', `${u.actor}, ${ago(u.at)}`)), may('admin') && button('Undo', () => undo(u), {icon: 'undo'})))))
	: empty('Nothing to take back', 'Changes can be undone from this list.'),
card('overrides.toon', muted('your own file is never rewritten'), h('pre.block', {tabindex: 0}, data.text || 'empty'))];

const tabs = [['values', 'Configuration'], ['history', 'Changes'], ['people', 'Users and password']];

export default {
	path: 'settings', title: 'Settings', icon: 'settings',
	enter() {
		config.load();
		if (!schema.data) schema.load();
		st.stop = listen(m => {if (m.type === 'config' && !st.edits.size) config.load();});
	},
	leave() {st.stop();},
	view: () => [head('Settings', config.data?.source && ['Read from ', mono(config.data.source)], choice('Settings', tabs, st.tab, v => {st.tab = v;})),
		st.tab === 'people' ? people() : ready(config, st.tab === 'values' ? values : history, 8)],
};
