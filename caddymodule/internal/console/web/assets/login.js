// Signing in, and choosing the first password.

import {field, get, h, input, post, redraw, shape, signedIn, state, toast} from './parts.js';

const st = {user: '', password: '', again: '', current: '', known: false, busy: false, error: null, until: 0};
const shortest = 12;

const bound = (name, props) => input({...props, value: st[name], oninput: e => {st[name] = e.target.value;}});
const alone = (brand, title, lead, submit, ...body) => h('main.alone', h('form.login', {onsubmit: submit}, brand,
	h('h1', title), lead && h('p.lead', lead), body,
	st.error && h('div.notice.bad', {role: 'alert'}, shape('bad'), h('div', st.error))));

async function run(e, f) {
	e.preventDefault();
	if (st.busy) return;
	Object.assign(st, {busy: true, error: null});
	redraw();
	try {
		const kept = await f();
		Object.assign(st, {password: '', again: '', current: '', known: false}, kept);
	} catch (err) {
		st.error = err.message;
		if (err.retryAfter) st.until = Date.now() + err.retryAfter * 1000;
	}
	st.busy = false;
	redraw();
}

const submitButton = (text, off) => h('button.primary.wide', {type: 'submit', disabled: st.busy || off, 'aria-busy': st.busy ? 'true' : null}, text);
export function login(brand) {
	const wait = Math.ceil((st.until - Date.now()) / 1000);
	const enter = e => run(e, async () => {
		const password = st.password;
		const session = await post('login', {user: st.user, password});
		signedIn(session);
		return {current: password, known: true};
	});
	return alone(brand, 'Sign in', null, enter,
		field('User', bound('user', {name: 'user', autocomplete: 'username', autocapitalize: 'none', autofocus: true, required: true})),
		field('Password', bound('password', {name: 'password', type: 'password', autocomplete: 'current-password', required: true})),
		submitButton(wait > 0 ? `Wait ${wait} s` : 'Sign in', wait > 0),
		h('details.help', h('summary', 'First time here?'),
			h('p', 'The first start printed a password for the user admin once, to the terminal and to a file only you can read. ',
				h('code', 'aimux admin passwd'), ' sets a new one.')));
}

// change is shown until the password that came with the installation has been replaced.
export function change(brand) {
	const weak = st.password.length < shortest;
	const differs = st.password !== st.again;
	const save = e => run(e, async () => {
		await post('password', {current: st.current, new: st.password});
		await again();
		toast('Your password is set');
	});
	return alone(brand, 'Choose your password', `The one you signed in with worked once. From now on only yours does, ${state.user.user}.`, save,
		!st.known && field('Current password', bound('current', {type: 'password', autocomplete: 'current-password', required: true})),
		field('New password', bound('password', {name: 'new', type: 'password', autocomplete: 'new-password', required: true, minlength: shortest}),
			{hint: `At least ${shortest} characters; several words are fine.`}),
		field('Once more', bound('again', {name: 'again', type: 'password', autocomplete: 'new-password', required: true}),
			{problem: st.again && differs ? 'The two differ.' : ''}),
		submitButton('Set password', weak || differs));
}

// again reads the session after a change: it may have been replaced, or ended.
async function again() {
	try {
		signedIn(await get('session'));
	} catch {
		signedIn(await post('login', {user: state.user.user, password: st.password}));
	}
}
