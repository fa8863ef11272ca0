// The first-run guide: a provider, its key, a test, the lines for the client.

import {bind, button, catalogue, copyable, during, empty, field, h, head, may, muted, problems, providers, ready, redraw, searchBox, shape, state} from './parts.js';
import {create, test, testResult, tests} from './providers.js';

const blank = () => ({kind: '', id: '', base_url: '', tier: 1, secret: ''});
const st = {v: blank(), find: '', busy: false, error: null, done: '', at: ''};

// address is where clients reach the gateway: as it says, else this host at the usual port.
const address = () => (st.at || state.meta?.gateway_url || `${location.protocol}//${location.hostname}:8080`).replace(/\/+$/, '');

// lines are the settings of the usual clients, as [title, text].
export const lines = (token = 'aimux') => [
	['Claude Code', `export ANTHROPIC_BASE_URL=${address()}\nexport ANTHROPIC_AUTH_TOKEN=${token}\nclaude`],
	['OpenAI SDKs', `export OPENAI_BASE_URL=${address()}/v1\nexport OPENAI_API_KEY=${token}`],
	['Codex, in ~/.codex/config.toml', `model_provider = "aimux"\n[model_providers.aimux]\nname = "aimux"\nbase_url = "${address()}/v1"\nwire_api = "responses"`],
	['curl', `curl ${address()}/v1/messages -H 'content-type: application/json' -H 'x-api-key: ${token}' \\\n  -d '{"model":"default","max_tokens":64,"messages":[{"role":"user","content":"Hello"}]}'`],
];

function choose(kind) {
	Object.assign(st, {v: {...blank(), kind: kind.kind, id: kind.kind}, error: null, done: ''});
	redraw();
	setTimeout(() => document.querySelector('.step.now input')?.focus());
}

function kinds(data) {
	const hits = data.kinds.filter(k => k.kind !== 'simulator' && `${k.kind} ${k.title}`.toLowerCase().includes(st.find.toLowerCase()));
	return [h('div.toolbar', searchBox('Search providers', st.find, v => {st.find = v;})),
		h('div.kinds', {role: 'radiogroup', label: 'Provider'}, hits.map(k => h('button', {key: k.kind, role: 'radio', 'aria-checked': String(k.kind === st.v.kind), onclick: () => choose(k)}, k.title || k.kind)))];
}

const save = e => {
	e.preventDefault();
	during(st, async () => {await create(st.v); st.done = st.v.id;});
};

function keyStep(kind) {
	const bad = name => st.error?.problems?.find(p => p.pointer?.endsWith('/' + name))?.message;
	return h('form.step.card', {class: kind ? 'now' : 'later', onsubmit: save}, h('h2', kind ? `${kind.title || kind.kind}: the key` : 'Its key'),
		kind && [!st.done && [kind.needs_base_url && field('Base URL', bind(st.v, 'base_url', {type: 'url', required: true, placeholder: 'https://'}), {problem: bad('base_url')}),
			field('API key', bind(st.v, 'secret', {type: 'password', autocomplete: 'new-password', required: !kind.key_optional, placeholder: kind.key_optional ? 'not needed' : ''}), {problem: bad('secret'), hint: 'It goes into the vault and is never shown again.'}),
			h('div.fields', field('Name', bind(st.v, 'id', {required: true}), {problem: bad('id'), hint: 'What routes and logs call it.'}), field('Tier', bind(st.v, 'tier', {type: 'number', min: 1}), {hint: 'Lower tiers are asked first.'}))],
			st.error && h('div.notice.bad', {role: 'alert'}, shape('bad'), h('div', st.error.message, problems(st.error.problems))),
			testResult(tests[st.done]),
			h('div.actions', st.done ? button('Test again', () => test(st.done), {busy: tests[st.done]?.busy}) : h('button.primary', {type: 'submit', disabled: st.busy}, 'Add and test'))]);
}

function clientStep(on) {
	return h('section.step.card', {class: on ? '' : 'later'}, h('h2', 'Your client'),
		on && [field('The gateway’s address', bind(st, 'at', {type: 'url', placeholder: address()}), {hint: 'Change it if your clients reach the gateway elsewhere.'}),
			lines().map(([title, text]) => h('div.field', {key: title}, muted(title), copyable(text))),
			h('div.actions', h('a.button.primary', {href: '#/overview'}, 'Open the overview'), button('Add another', () => {Object.assign(st, {v: blank(), done: '', error: null}); window.scrollTo(0, 0);}))]);
}

export default {
	path: 'setup', title: 'Set up', icon: 'bolt',
	enter() {
		if (!catalogue.data) catalogue.load();
		providers.load();
	},
	view() {
		if (!may('admin')) return [head('Set up'), empty('Only an admin can add providers', 'These lines point a client at the gateway.'), h('div.steps', clientStep(true))];
		const kind = catalogue.data?.kinds.find(k => k.kind === st.v.kind);
		return [head('Set up', 'Three steps, about a minute.', h('a.button', {href: '#/overview'}, 'Later')),
			h('div.steps', h('section.step.card', h('h2', 'A provider'), ready(catalogue, kinds, 3)), keyStep(kind), clientStep(st.done || providers.data?.providers.length > 0))];
	},
};
