// Signing in, and choosing the first password.

import {during, field, h, input, post, shape, signedIn, state, toast} from './parts.js';

const st = {user: '', password: '', again: '', current: '', known: false, busy: false, error: null, until: 0};
const shortest = 12;

const bound = (name, props) => input({...props, value: st[name], oninput: e => {st[name] = e.target.value;}});
const alone = (brand, title, lead, submit, ...body) => h('main.alone', h('form.login', {onsubmit: submit}, brand,
	h('h1', title), lead && h('p.lead', lead), body,
	st.error && h('div.notice.bad', {role: 'alert'}, shape('bad'), h('div', st.error.message))));

async function run(e, f) {
	e.preventDefault();
	let kept;
	if (await during(st, async () => {kept = await f();})) Object.assign(st, {password: '', again: '', current: '', known: false}, kept);
	else if (st.error.retryAfter) st.until = Date.now() + st.error.retryAfter * 1000;
}

const submitButton = (text, off) => h('button.primary.wide', {type: 'submit', disabled: st.busy || off}, text);
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
			h('p', 'The first start printed a password for the user admin once. ',
				h('code', 'aimux admin passwd'), ' sets a new one.')));
}

// change is shown until the first password has been replaced.
export function change(brand) {
	const weak = st.password.length < shortest;
	const differs = st.password !== st.again;
	const save = e => run(e, async () => {
		signedIn(await post('password', {current: st.current, new: st.password}));
		toast('Your password is set');
	});
	return alone(brand, 'Choose your password', `The one you signed in with was for the first time only, ${state.user.user}.`, save,
		!st.known && field('Current password', bound('current', {type: 'password', autocomplete: 'current-password', required: true})),
		field('New password', bound('password', {name: 'new', type: 'password', autocomplete: 'new-password', required: true, minlength: shortest}),
			{hint: `At least ${shortest} characters; several words are fine.`}),
		field('Once more', bound('again', {name: 'again', type: 'password', autocomplete: 'new-password', required: true}),
			{problem: st.again && differs ? 'The two differ.' : ''}),
		submitButton('Set password', weak || differs));
}
