// The people who may sign in, and one's own password.

import {ago, button, card, chip, day, field, form, h, iconButton, may, plain, post, ready, remove, Resource, secret, seg, select, state} from './parts.js';

const users = new Resource('users');
const roles = [['viewer', 'Viewer: looks'], ['operator', 'Operator: tests, switches, wakes keys'], ['admin', 'Admin: everything']];
const fresh = {...secret, minlength: 12};
const long = 'At least 12 characters.';

const change = () => form({
	title: 'Change your password', lead: 'Your other sessions end.', values: {current: '', new: ''}, done: 'Your password is changed',
	fields: (v, ask) => [ask('current', 'Current password', {...secret, autocomplete: 'current-password'}), ask('new', 'New password', fresh, long)], submit: v => post('password', v),
});

const add = () => form({
	title: 'Add a user', values: {user: '', role: 'viewer', password: ''}, action: 'Add', done: 'Added',
	fields: (v, ask) => [ask('user', 'User', {required: true, autocapitalize: 'none'}), field('Role', select(roles, {value: v.role, onchange: e => {v.role = e.target.value;}})), ask('password', 'First password', fresh, long)],
	submit: v => post('users', v).then(() => users.load()),
});

export function people() {
	if (may('admin') && !users.data && !users.busy && !users.error) users.load();
	return [card('You', button('Change password', change), h('p.calm', h('b', state.user.user), chip(state.user.role), state.user.expires && 'this session ends ' + ago(state.user.expires))),
		may('admin') && card('Users', button('Add user', add, {icon: 'plus'}), ready(users, d => plain(['User', 'Role', 'lo:Created', 'Last here', 'n:'], d.users || d, u => [h('b', u.user), u.role, day(u.created), u.last_login ? ago(u.last_login) : 'never', u.user !== state.user.user && iconButton('trash', 'Remove ' + u.user, () => remove(u.user, 'The sessions of this user end at once.', 'users/' + seg(u.user), () => users.load()))]), 3))];
}
