// What pages are made of: badges, buttons, fields, states, toasts and dialogs.

export * from './api.js';
export * from './dom.js';
export * from './format.js';
export * from './icons.js';
export * from './store.js';
import {call, seg} from './api.js';
import {h, attach, redraw} from './dom.js';
import {icon, shape} from './icons.js';
import {countdown} from './format.js';
import {providerTitle} from './store.js';

// tones maps status words to a shape and a colour.
const tones = {
	ok: 'ok', ready: 'ok', closed: 'ok', success: 'ok', resolved: 'ok', applied: 'ok', enabled: 'ok',
	degraded: 'warn', 'half-open': 'warn', pending: 'warn', missing: 'warn',
	resting: 'rest', down: 'bad', open: 'bad', firing: 'bad', failed: 'bad', refused: 'bad', error: 'bad',
};
export const tone = word => tones[word] || 'off';

// badge is a status as shape and word.
export const badge = (word, text, t = tone(word)) => h('span.badge', {class: 'tone-' + t}, shape(t), h('span', text || word));

// resting counts down to the end of a rest.
export const resting = until => h('time.num', {datetime: until}, countdown(until) || 'ending');

export const chip = (text, title) => h('span.chip', {title}, text);
export const muted = (...text) => h('span.muted', text);
export const mono = text => h('code', text);

// button takes {icon, kind: 'primary'|'danger'|'quiet', busy, …attributes}.
export function button(text, onclick, {icon: name, kind = '', busy, ...rest} = {}) {
	return h('button', {class: kind + (text ? '' : ' square'), onclick, 'aria-busy': busy ? 'true' : null, disabled: busy || rest.disabled, ...rest},
		name && icon(name), text && h('span', text));
}

export const iconButton = (name, label, onclick, rest = {}) => button('', onclick, {icon: name, kind: 'quiet', label, title: label, ...rest});

export const head = (title, lead, ...actions) => h('header.page-head', h('div', h('h1', {tabindex: -1}, title), lead && h('p.lead', lead)), h('div.actions', actions));

export const card = (title, extra, ...body) => h('section.card', {label: title}, h('header.card-head', h('h2', title), extra), body);

export const choice = (label, options, value, pick) => h('div.segments', {role: 'radiogroup', label: label},
	options.map(([v, text]) => h('button', {
		key: v, role: 'radio', 'aria-checked': String(v === value), onclick: () => pick(v),
	}, text)));

// field is a labelled control with its hint, or the problem found in it.
export function field(label, control, {hint, problem, id} = {}) {
	control.props.id ||= id || 'f' + label.replace(/\W+/g, '-').toLowerCase();
	const about = control.props.id + '-about';
	if (hint || problem) control.props['aria-describedby'] = about;
	if (problem) control.props['aria-invalid'] = 'true';
	return h('div.field', {class: problem ? 'has-problem' : ''}, h('label', {for: control.props.id}, label), control,
		(hint || problem) && h('p', {id: about, class: problem ? 'problem' : 'hint'}, problem || hint));
}

export const input = props => h('input', {type: 'text', autocomplete: 'off', spellcheck: 'false', ...props});
export const select = (options, props) => h('select', props, options.map(([v, text]) => h('option', {value: v, key: v}, text)));

export const toggle = (label, on, onchange, rest = {}) => h('button.switch', {
	role: 'switch', 'aria-checked': String(!!on), label, title: label, onclick: onchange, ...rest,
}, h('i'));

export const searchBox = (label, value, set) => h('div.search', icon('search'), input({type: 'search', value, placeholder: label + ' …', label, oninput: e => {set(e.target.value);}}));

// plain is a small table. Heads may carry classes before a colon: 'n lo:Tokens/s'.
export function plain(heads, rows, cells, mark) {
	const columns = heads.map(x => (x.includes(':') ? x.split(':') : ['', x]));
	return h('div.scroll-x', h('table.plain', h('thead', h('tr', columns.map(([c, text]) => h('th', {class: c, scope: 'col'}, text || h('span.sr', 'Mark'))))),
		h('tbody', rows.map((row, i) => h('tr', {class: mark ? mark(row) : ''}, cells(row, i).map((cell, k) => h('td', {class: columns[k][0]}, cell)))))));
}

export const fact = (label, value) => value !== undefined && value !== null && value !== '' && h('div', {key: label}, h('dt', label), h('dd.num', value));

// States every list can be in.
export const empty = (title, text, ...actions) => h('div.empty', h('h3', title), h('p', text), actions.length > 0 && h('div.actions', actions));
export const skeleton = (rows = 5) => h('div.skeleton', {role: 'status', label: 'Loading'}, Array.from({length: rows}, (_, i) => h('i', {key: i})));

export const failure = (error, again) => h('div.empty.bad', {role: 'alert'}, h('h3', error.status === 0 ? 'No answer' : 'This did not work'),
	h('p', error.message), problems(error.problems), again && h('div.actions', button('Try again', again)));

export const problems = list => list?.length > 0 && h('ul.problems', list.slice(0, 50).map(p => h('li',
	p.pointer && mono(p.pointer), p.pointer && ' ', p.message, p.hint && h('span.hint', ' ' + p.hint))));

// ready shows a resource, or why it is not there.
export function ready(resource, view, rows) {
	if (resource.data) return view(resource.data);
	return resource.error ? failure(resource.error, () => resource.load()) : skeleton(rows);
}

export const meter = (share, label, cls = '') => h('span.meter', {class: cls, role: 'img', label: label},
	h('i', {style: {width: Math.max(0, Math.min(1, share || 0)) * 100 + '%'}}));

// toast says what happened for five seconds, errors for ten.
export function toast(text, {bad, action, label} = {}) {
	const el = document.createElement('div');
	el.className = 'toast' + (bad ? ' bad' : '');
	if (bad) el.setAttribute('role', 'alert');
	const stop = attach(el, () => [shape(bad ? 'bad' : 'ok'), h('p', text),
		action && button(label, () => {close(); action();}, {kind: 'quiet'}), iconButton('close', 'Dismiss', () => close())]);
	const close = () => {stop(); el.remove();};
	let timer;
	const wait = () => {timer = setTimeout(close, bad || action ? 10000 : 5000);};
	el.onmouseenter = () => clearTimeout(timer);
	el.onmouseleave = wait;
	const box = document.getElementById('toasts');
	box.append(el);
	box.hidePopover(); // and shown again it lies above any dialog
	box.showPopover();
	wait();
}

// during marks st busy while f runs, and keeps its error. It returns whether f worked.
export async function during(st, f) {
	Object.assign(st, {busy: true, error: null});
	redraw();
	try {await f();} catch (e) {st.error = e;}
	st.busy = false;
	redraw();
	return !st.error;
}

// attempt runs f, says how it ended and returns whether it worked.
export async function attempt(f, done) {
	try {
		await f();
		if (done) toast(done);
		return true;
	} catch (e) {
		toast(e.message + (e.problems?.[0] ? ' ' + e.problems[0].message : ''), {bad: true});
		return false;
	} finally {
		redraw();
	}
}

// open shows a modal dialog drawn by view(close). Focus goes back where it was.
export function open(view, {cls = '', label, closed} = {}) {
	const el = document.createElement('dialog');
	el.className = cls;
	el.ariaLabel = label;
	document.body.append(el);
	const before = document.activeElement;
	const close = () => el.close();
	const stop = attach(el, () => view(close));
	el.onclick = e => {if (cls && e.target === el) close();};
	el.onclose = () => {stop(); el.remove(); before?.focus(); closed?.();};
	el.showModal();
	el.querySelector('[autofocus], .dialog-body :is(input, select, textarea)')?.focus();
}

export const dialogHead = (title, close) => h('header.dialog-head', h('h2', title), iconButton('close', 'Close', close));

// form is a dialog: fields(values, ask, problemOf) draws it, ask(name, label, attributes, hint) being the usual field;
// submit(values) does the work and may throw; if somebody else was quicker, again() begins anew.
export function form({title, lead, values = {}, fields, submit, action = 'Save', danger, done, again}) {
	const st = {error: null, busy: false};
	const problemOf = name => st.error?.problems?.find(p => p.pointer.split('/').includes(name))?.message;
	const ask = (name, label, props, hint) => field(label, bind(values, name, props), {hint, problem: problemOf(name)});
	const send = close => async e => {
		e.preventDefault();
		if (!await during(st, () => submit(values))) return;
		close();
		if (done) toast(done);
	};
	open(close => h('form', {onsubmit: send(close)}, dialogHead(title, close),
		h('div.dialog-body', lead && h('p.lead', lead), fields && fields(values, ask, problemOf),
			st.error && h('div.notice.bad', {role: 'alert'}, shape('bad'), h('div', st.error.message, problems(st.error.problems),
				st.error.stale && again && button('Load the present values', () => {close(); again();})))),
		h('footer.dialog-foot', button('Cancel', close),
			h('button', {type: 'submit', class: danger ? 'danger' : 'primary', disabled: st.busy}, action))), {label: title});
}

// secret are the attributes of a field nobody may read over a shoulder.
export const secret = {type: 'password', autocomplete: 'new-password', required: true};

// remove asks before it deletes what stands at path.
export const remove = (title, lead, path, after, action = 'Remove') => form({title: `${action} ${title}?`, lead, action, danger: true, done: action + 'd', submit: () => call('DELETE', path).then(after)});

export const providerLink = (id, more) => h('a', {href: '#/providers?id=' + seg(id)}, providerTitle(id), more);

// bind makes an input write into values[name].
export const bind = (values, name, props = {}) => input({...props, value: values[name] ?? '', oninput: e => {values[name] = e.target.value;}});

export function copyable(text, label = 'Copy') {
	return h('div.copyable', h('pre', {tabindex: 0}, text), iconButton('copy', label, () => copy(text)));
}

export async function copy(text) {
	try {
		await navigator.clipboard.writeText(text);
	} catch {
		const area = document.createElement('textarea');
		area.value = text;
		(document.querySelector('dialog[open]') || document.body).append(area);
		area.select();
		document.execCommand('copy');
		area.remove();
	}
	toast('Copied');
}
