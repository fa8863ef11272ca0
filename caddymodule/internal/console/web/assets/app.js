// The console: one page per file, the hash says which. This file is the frame around them.

import {attach, call, dialogHead, enter, h, icon, iconButton, open, redraw, shape, signedOut, skeleton, state} from './parts.js';
import {login, change} from './login.js';
import overview from './overview.js';
import requests from './requests.js';
import usage from './usage.js';
import alerts from './alerts.js';
import providers from './providers.js';
import routes from './routes.js';
import keys from './keys.js';
import clients from './clients.js';
import audit from './audit.js';
import settings from './settings.js';
import setup from './setup.js';

const groups = [
	['Watch', [overview, requests, usage, alerts]],
	['Route', [providers, routes, keys, clients]],
	['Manage', [audit, settings]],
];
const pages = groups.flatMap(([, list]) => list);
const all = [...pages, setup];
const bottom = [overview, requests, providers, alerts];

let page = null;
let where = '';

// go follows the hash: the page it names is entered with the query behind it.
function go() {
	if (!state.user || state.user.must_change_password) return;
	const [path, text] = location.hash.replace(/^#\/?/, '').split('?');
	const next = all.find(p => p.path === path) || overview;
	const q = Object.fromEntries(new URLSearchParams(text || ''));
	if (next !== page) {
		page?.leave?.();
		page = next;
		window.scrollTo(0, 0);
		page.enter?.(q);
	} else if (where !== location.hash) {
		page.query?.(q);
	}
	where = location.hash;
	document.title = page.title + ' · aimux';
	redraw();
}

const feedWords = {
	live: ['ok', 'Live'], polling: ['warn', 'Polling'], offline: ['bad', 'Offline'], connecting: ['off', 'Connecting'],
};

function feedStatus() {
	const [tone, text] = feedWords[state.feed];
	return h('span.feed', {class: 'tone-' + tone, title: 'Live updates: ' + text.toLowerCase(), 'data-feed': state.feed},
		h('span.feed-dot', shape(tone)), h('span.feed-text', text));
}

function link(p) {
	const n = p === alerts ? state.alerts.filter(a => a.state === 'firing').length : 0;
	return h('a.nav-link', {key: p.path, href: '#/' + p.path, 'aria-current': p === page ? 'page' : null, title: p.title},
		icon(p.icon), h('span', p.title), n > 0 && h('b.count.num', {label: n + ' firing'}, n));
}

function themeSwitch() {
	const now = window.aimuxTheme.get();
	const next = {auto: 'light', light: 'dark', dark: 'auto'}[now];
	return iconButton(now, `Theme: ${now}; change to ${next}`, () => {window.aimuxTheme.set(next);});
}

async function leave() {
	try {await call('POST', 'logout');} catch {/* the session is over either way */}
	signedOut();
}

const account = () => h('div.account', h('span.who', icon('user'),
	h('span', h('b', state.user.user), h('small', state.user.role))), themeSwitch(), iconButton('out', 'Sign out', leave));

const mark = size => [h('img', {src: 'assets/icon.svg', alt: '', width: size, height: size}), h('span', 'aimux')];
const brand = () => h('a.brand', {href: '#/overview', label: 'aimux, overview'}, mark(22));

const menu = () => groups.map(([name, list]) => h('div.nav-group', {key: name}, h('h2', name), list.map(link)));

const side = () => h('nav.side', {label: 'Main'}, brand(), menu(), h('div.side-foot', feedStatus(), account()));

function drawer() {
	open(close => h('div.more', {onclick: e => {if (e.target.closest('a')) close();}}, dialogHead('Menu', close),
		menu(), account()), {cls: 'drawer', label: 'Menu'});
}

const bar = () => h('nav.bottom', {label: 'Main'}, bottom.map(link),
	h('button.nav-link', {onclick: drawer, 'aria-haspopup': 'dialog'}, icon('more'), h('span', 'More')));

function banner() {
	if (state.feed === 'offline') return h('div.banner.tone-bad', {role: 'status'}, shape('bad'), 'The gateway does not answer. This is the last it said; trying again.');
	if (state.meta?.simulated && page !== setup) return h('div.banner', shape('warn'), h('span', 'The built-in simulator answers: no provider has a key yet. '), h('a', {href: '#/setup'}, 'Add a provider'));
	const ill = Object.entries(state.meta?.health || {}).filter(([, v]) => !v.ok);
	return ill.length > 0 && h('div.banner.tone-bad', {role: 'status'}, shape('bad'), ill.map(([k, v]) => `${k}: ${v.message}`).join(' · '));
}

// close ends the page with its session; after the next sign-in it is entered anew.
function close() {
	page?.leave?.();
	page = null;
	for (const d of document.querySelectorAll('dialog')) d.close();
}

function view() {
	if (!state.asked) return h('p.boot', {role: 'status'}, 'aimux');
	if (state.away) return h('div.alone', h('p', {role: 'status'}, 'The gateway does not answer yet. Trying again …'), skeleton(2));
	if (!state.user || state.user.must_change_password) {
		close();
		return (state.user ? change : login)(h('div.brand.large', mark(40)));
	}
	if (!page) go();
	return [h('a.skip', {href: '#main', onclick: e => {e.preventDefault(); document.querySelector('h1')?.focus();}}, 'Skip to content'),
		side(), h('header.phone-top', brand(), feedStatus()), h('main', {id: 'main', key: page.path, class: 'page page-' + page.path}, banner(), page.view()), bar()];
}

window.addEventListener('hashchange', go);
// The slash goes to the search field of the page.
window.addEventListener('keydown', e => {
	const search = e.key === '/' && !e.target.closest?.('input, textarea, select') && document.querySelector('main input[type=search]');
	if (search) {e.preventDefault(); search.focus();}
});

attach(document.getElementById('app'), view);
enter();
// Countdowns move even when the feed is silent.
setInterval(() => {if (state.user && !document.hidden) redraw();}, 1000);
