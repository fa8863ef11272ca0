// The keys: who is ready, who rests until when. Secrets go in and never come out.

import {attempt, badge, button, count, dash, empty, exact, field, form, h, head, iconButton, listen, may, muted, named, post, providerLink, providerList, providers, providerTitle, put, ready, remove, Resource, resting, searchBox, secret, seg, select} from './parts.js';
import {Table} from './table.js';

const keys = new Resource('keys?limit=500', 'keys');
const st = {q: '', table: null};
let stop = () => {};
let timer;

const path = (k, rest = '') => `keys/${seg(k.provider)}/${seg(k.name)}${rest}`;
const reload = () => Promise.all([keys.load(), providers.load()]);
const ending = k => (k.last4 ? '…' + k.last4 : k.tag || dash);

// state says for how long a key rests, as a whole or for some models only.
const state = k => {
	const part = k.state === 'ready' && k.rests[0];
	return part ? [badge('resting', 'in part'), h('span.lo', ' ', resting(part.until))] : [badge(k.state), k.state === 'resting' && k.until && [' ', resting(k.until)]];
};
const why = k => k.reason || k.rests.map(r => `${r.model}: ${r.reason}`).join(', ');
const quota = k => (k.quota ? [k.quota.remaining_requests != null && count(k.quota.remaining_requests) + ' requests', k.quota.remaining_tokens != null && count(k.quota.remaining_tokens) + ' tokens'].filter(Boolean).join(', ') || dash : dash);

function actions(k) {
	return h('span.actions.end',
		k.rests.length > 0 && iconButton('bolt', `Wake ${k.name} now`, () => attempt(() => post(path(k, '/reset')).then(reload), `${k.name} is ready again`), {disabled: !may('operator')}),
		may('admin') && [iconButton(k.enabled === false ? 'play' : 'pause', (k.enabled === false ? 'Use ' : 'Stop using ') + k.name, () => attempt(() => put(path(k), {enabled: k.enabled === false}).then(reload), `${k.name} is ${k.enabled === false ? 'in use' : 'no longer used'}`)),
			iconButton('edit', 'Replace the secret of ' + k.name, () => replace(k)), iconButton('trash', 'Remove ' + k.name, () => remove(`${providerTitle(k.provider)} · ${k.name}`, 'It is taken out of the rotation and deleted from the vault. Requests that hold it finish.', path(k), reload))]);
}

// keyLine is a key among a provider's details.
export const keyLine = k => h('li', {key: k.provider + '/' + k.name}, h('div', h('span', h('b', k.name), ' ', h('code.muted', ending(k))),
	h('small', [k.account, why(k)].filter(Boolean).join(' · ') || k.source)), h('span', state(k)), actions(k));

const keepSafe = 'Goes straight into the vault. Nobody can read it back here.';

export function addKey(provider = '') {
	form({
		title: 'Add a key', action: 'Add key', done: 'Added', values: {provider: provider || providerList()[0]?.id || '', name: '', account: '', secret: ''},
		fields: (v, ask, bad) => [
			field('Provider', select(providerList().slice(0, 500).map(p => [p.id, named(p)]), {value: v.provider, required: true, onchange: e => {v.provider = e.target.value;}}), {problem: bad('provider')}),
			h('div.fields', ask('name', 'Name', {required: true, placeholder: 'main'}), ask('account', 'Account', {}, 'Keys of one account share its limits.')), ask('secret', 'Secret', secret, keepSafe)],
		submit: async v => {await post('keys', {...v, account: v.account || undefined}); v.secret = ''; await reload();},
	});
}

const replace = k => form({
	title: `Replace the secret of ${k.name}`, values: {secret: ''}, action: 'Replace', done: 'Replaced', fields: (v, ask) => ask('secret', 'Secret', secret, keepSafe),
	submit: async v => {await put(path(k), v); v.secret = ''; await reload();},
});

const columns = [
	{id: 'provider', head: 'Provider', cls: 'w-m lo', value: k => providerTitle(k.provider), cell: k => providerLink(k.provider)},
	{id: 'name', head: 'Key', value: k => k.name, cell: k => [h('b', k.name), ' ', h('code.muted', ending(k)), h('span.phone', ' ', providerTitle(k.provider))]},
	{id: 'state', head: 'State', cls: 'w-l', value: k => k.state, cell: k => h('span', {title: why(k)}, state(k))},
	{id: 'reason', head: 'Why', cls: 'xl', cell: k => why(k) || muted(dash)},
	{id: 'account', head: 'Account', cls: 'w-s mid', value: k => k.account, cell: k => k.account || dash},
	{id: 'quota', head: 'Left', cls: 'w-l xl', cell: quota},
	{id: 'requests', head: 'Requests', cls: 'n w-m lo', value: k => k.requests, cell: k => exact(k.requests)},
	{id: 'failures', head: 'Failed', cls: 'n w-s mid', value: k => k.failures, cell: k => exact(k.failures)},
	{id: 'actions', head: '', cls: 'row-actions w-x', cell: actions},
];

function view(data) {
	const q = st.q.toLowerCase();
	const list = data.keys.filter(k => !q || `${k.provider} ${k.name} ${k.account} ${k.state} ${k.tag} ${k.last4}`.toLowerCase().includes(q));
	if (!data.keys.length) return empty('No keys yet', 'Several keys take turns; one that is limited rests while the others work.', may('admin') && providerList().length > 0 && button('Add a key', () => addKey(), {kind: 'primary'}));
	return [h('div.toolbar', searchBox('Search key, provider, account, state', st.q, v => {st.q = v;})),
		list.length ? st.table.set(list) : empty('Nothing matches', 'No key has this name, provider or state.')];
}

export default {
	path: 'keys', title: 'Keys', icon: 'keys',
	enter(q) {
		st.q = q.q || '';
		st.table = new Table({label: 'Keys', columns, id: k => k.provider + '/' + k.name});
		reload();
		stop = listen(m => {
			if (m.type !== 'provider' && m.type !== 'hello') return;
			clearTimeout(timer);
			timer = setTimeout(() => keys.load(), 1500);
		});
	},
	leave() {stop(); clearTimeout(timer); st.table.free();},
	view: () => [head('Keys', 'Write-only: a secret goes into the vault and is never shown again.', may('admin') && button('Add key', () => addKey(), {icon: 'plus', kind: 'primary'})), ready(keys, view, 8)],
};
