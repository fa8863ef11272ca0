// The clients: who may ask, for what, how much. A token is shown once.

import {ago, attempt, badge, button, chip, copyable, dialogHead, empty, form, full, h, head, iconButton, may, meter, money, muted, open, percent, post, put, ready, remove, Resource, seg, shape, toggle} from './parts.js';
import {Table} from './table.js';
import {lines} from './setup.js';

const clients = new Resource('clients?limit=500', 'clients');
const path = (c, rest = '') => `clients/${seg(c.id)}${rest}`;
const editable = c => may('admin') && c.source !== 'config';
let table;

// reveal shows a token; after it is closed nobody can read it again.
const reveal = (token, name) => open(close => [dialogHead('Token of ' + name, close), h('div.dialog-body',
	h('div.notice', shape('warn'), h('div', 'Copy it now. It is not kept and cannot be shown again.')), copyable(token, 'Copy the token'),
	h('h3', 'Where it goes'), lines(token).slice(0, 2).map(([title, text]) => h('div.field', {key: title}, muted(title), copyable(text)))),
h('footer.dialog-foot', button('Done', close, {kind: 'primary'}))], {label: 'Token of ' + name});

const list = text => (text || '').split(/[\s,]+/).filter(Boolean);
const dollars = v => (v ? String(v / 1e6) : '');
const limits = [['requests_per_minute', 'Requests a minute'], ['tokens_per_minute', 'Tokens a minute'], ['max_streams', 'Streams at once']];
const budgets = [['daily_microusd', 'Dollars a day'], ['monthly_microusd', 'Dollars a month']];

// settingsOf is what a change has to repeat, as it replaces all of it.
const settingsOf = ({id, created, spent_today_microusd, spent_month_microusd, streams, source, ...rest} = {}) => rest;

function edit(c) {
	const values = {name: c?.name || '', team: c?.team || '', expires: (c?.expires || '').slice(0, 10)};
	for (const k of ['models', 'dialects', 'networks']) values[k] = (c?.[k] || []).join(', ');
	for (const [k] of limits) values[k] = c?.[k] || '';
	for (const [k] of budgets) values[k] = dollars(c?.[k]);
	form({
		title: c ? 'Edit ' + c.name : 'New client', values, action: c ? 'Save' : 'Create', done: c && 'Saved',
		fields: (v, ask) => {
			const numbers = (list, step) => h('div.fields', list.map(([k, label]) => ask(k, label, {type: 'number', min: 0, step, placeholder: 'no limit'})));
			return [h('div.fields', ask('name', 'Name', {required: true}), ask('team', 'Team'), ask('expires', 'Expires', {type: 'date'})), numbers(limits, 1), numbers(budgets, 'any'),
				ask('models', 'Models', {}, 'Separated by commas. Empty means every one.'),
				h('div.fields', ask('networks', 'Networks', {placeholder: '10.0.0.0/8'}, 'Empty means from anywhere.'), ask('dialects', 'Dialects', {placeholder: 'anthropic, openai, responses'}))];
		},
		submit: async v => {
			const body = {...settingsOf(c), name: v.name.trim(), team: v.team.trim(), models: list(v.models), dialects: list(v.dialects), networks: list(v.networks)};
			body.expires = v.expires ? v.expires + 'T23:59:59.000Z' : undefined;
			for (const [k] of limits) body[k] = Number(v[k]) || 0;
			for (const [k] of budgets) body[k] = Math.round(Number(v[k]) * 1e6) || 0;
			if (c) await put(path(c), body);
			else {const made = await post('clients', body); setTimeout(() => reveal(made.token, made.client.name));}
			clients.load();
		},
	});
}

const rotate = c => form({
	title: `New token for ${c.name}?`, lead: 'The old one keeps working for a while, so that nothing stops.', values: {grace: '60'}, action: 'Make a new token',
	fields: (v, ask) => ask('grace', 'The old one works for, minutes', {type: 'number', min: 0, required: true}),
	submit: async v => {const made = await post(path(c, '/rotate'), {grace_seconds: Math.round(v.grace * 60)}); setTimeout(() => reveal(made.token, c.name)); clients.load();},
});

const spent = (now, most) => [money(now), muted(most ? ' of ' + money(most) : ''), most > 0 && meter(now / most, percent(now / most) + ' spent', now / most > 0.9 ? 'warn' : '')];

const columns = [
	{id: 'name', head: 'Client', value: c => c.name, cell: c => [h('b', c.name), ' ', muted(c.team)]},
	{id: 'state', head: 'State', cls: 'w-m', cell: c => (c.expires && Date.parse(c.expires) < Date.now() ? badge('expired') : c.enabled ? badge('enabled', 'in use') : badge('disabled'))},
	{id: 'today', head: 'Today', cls: 'w-l lo', value: c => c.spent_today_microusd, cell: c => spent(c.spent_today_microusd, c.daily_microusd)},
	{id: 'month', head: 'This month', cls: 'w-m lo', value: c => c.spent_month_microusd, cell: c => spent(c.spent_month_microusd, c.monthly_microusd)},
	{id: 'scope', head: 'May ask for', cls: 'xl', cell: c => (c.models?.length ? c.models.map(m => [chip(m), ' ']) : muted('every model'))},
	{id: 'streams', head: 'Streams', cls: 'n w-s mid', cell: c => `${c.streams || 0}${c.max_streams ? ' of ' + c.max_streams : ''}`},
	{id: 'until', head: 'Expires', cls: 'w-m mid', cell: c => (c.expires ? h('span', {title: full(c.expires)}, ago(c.expires)) : 'never')},
	{id: 'actions', head: '', cls: 'row-actions w-x', cell: c => (editable(c) ? h('span.actions', toggle(c.name + ' in use', c.enabled, () => attempt(() => put(path(c), {...settingsOf(c), enabled: !c.enabled}).then(() => clients.load()))),
		iconButton('edit', 'Edit ' + c.name, () => edit(c)), iconButton('undo', 'New token for ' + c.name, () => rotate(c)), iconButton('trash', 'Revoke ' + c.name, () => remove(c.name, 'Its token stops working at once.', path(c), () => clients.load(), 'Revoke'))) : chip(c.source, 'Defined in the configuration file'))},
];

export default {
	path: 'clients', title: 'Clients', icon: 'clients',
	enter() {table = new Table({label: 'Clients', columns, id: c => c.id}); clients.load();},
	leave() {table.free();},
	view: () => [head('Clients', 'Who may ask, and how much it may cost.', may('admin') && button('New client', () => edit(), {icon: 'plus', kind: 'primary'})),
		ready(clients, d => (d.clients?.length ? table.set(d.clients) : empty('No clients yet', 'Without any, whoever reaches the gateway may use it. A client gives a person or a program its own token, limits and budget.')))],
};
