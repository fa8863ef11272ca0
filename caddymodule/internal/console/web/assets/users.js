// The people who may sign in, and one's own password.

import {h, redraw} from './dom.js';
import {call, post, seg, Resource} from './api.js';
import {may, state} from './store.js';
import {bind, button, card, chip, field, form, iconButton, plain, ready, select} from './parts.js';
import {ago, day} from './format.js';

const users = new Resource(() => call('GET', 'users'), redraw);
const roles = [['viewer', 'Viewer: looks'], ['operator', 'Operator: tests, switches, wakes keys'], ['admin', 'Admin: everything']];
const secret = (v, name, label, bad, fresh) => field(label, bind(v, name, {type: 'password', required: true, autocomplete: fresh ? 'new-password' : 'current-password', minlength: fresh ? 12 : null}), {problem: bad(name), hint: fresh ? 'At least 12 characters.' : ''});

const change = () => form({
  title: 'Change your password', lead: 'Every other session of yours ends.', values: {current: '', new: ''}, done: 'Your password is changed',
  fields: (v, bad) => [secret(v, 'current', 'Current password', bad), secret(v, 'new', 'New password', bad, true)],
  submit: (v) => post('password', v),
});

const add = () => form({
  title: 'Add a user', values: {user: '', role: 'viewer', password: ''}, action: 'Add', done: 'Added',
  fields: (v, bad) => [field('User', bind(v, 'user', {required: true, autocapitalize: 'none'}), {problem: bad('user')}), field('Role', select(roles, {value: v.role, onchange: (e) => { v.role = e.target.value; }})), secret(v, 'password', 'First password', bad, true)],
  submit: async (v) => { await post('users', v); users.load(); },
});

const remove = (u) => form({
  title: `Remove ${u.user}?`, lead: 'The sessions of this user end at once.', values: {}, action: 'Remove', danger: true, done: 'Removed',
  submit: async () => { await call('DELETE', 'users/' + seg(u.user)); users.load(); },
});

export function people() {
  if (may('admin') && !users.data && !users.busy && !users.error) users.load();
  return [card('You', button('Change password', change), h('p.calm', h('b', state.user.user), chip(state.user.role), state.user.expires && 'this session ends ' + ago(state.user.expires))),
    may('admin') && card('Users', button('Add user', add, {icon: 'plus'}), ready(users, (d) => plain(['User', 'Role', 'lo:Created', 'Last here', 'n:'], d.users || d, (u) => [h('b', u.user), u.role, day(u.created), u.last_login ? ago(u.last_login) : 'never', u.user !== state.user.user && iconButton('trash', 'Remove ' + u.user, () => remove(u))]), 3))];
}
