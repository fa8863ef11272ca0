// What the page knows: who is signed in, and what the feed said. Only this file writes it.

import {get, watch, Resource} from './api.js';
import {redraw, say} from './dom.js';
import {Feed} from './feed.js';

export const state = {
	user: null, // {user, role, must_change_password, expires}
	asked: false, // whether the session has been looked up
	meta: null,
	feed: 'connecting',
	metrics: null,
	history: null, // the last hour, one column per series
	today: null, // cost, millionths of a dollar
	alerts: [],
	recent: [], // newest first, at most keepRecent
};

const keepRecent = 200;
const rank = {viewer: 0, operator: 1, admin: 2};

// may reports whether the person signed in holds the role.
export const may = role => (rank[state.user?.role] ?? -1) >= rank[role];

export const providers = new Resource('providers?limit=500', 'providers');
export const catalogue = new Resource('catalogue');
export const providerList = () => providers.data?.providers || [];
// named is the vendor's name, unless a provider was given one of its own: there may be several of a vendor.
export const named = p => (p.id === p.kind && p.title) || p.id;
export const providerTitle = id => {const p = providerList().find(x => x.id === id); return p ? named(p) : id;};

const listeners = new Set();

// listen calls f with every message of the feed until what it returns is called.
export function listen(f) {
	listeners.add(f);
	return () => listeners.delete(f);
}

const feed = new Feed(receive, status => {
	if (state.feed === status) return;
	if (status === 'offline') say('Live updates stopped. Trying again.');
	state.feed = status;
	redraw();
});

function receive(message) {
	const data = message.data;
	if (message.type === 'hello' || message.type === 'config') refresh();
	if (message.type === 'metrics') takeMetrics(data);
	if (message.type === 'provider') takeProvider(data);
	if (message.type === 'request') takeRequest(data);
	if (message.type === 'alert') refreshAlerts();
	for (const f of listeners) f(message);
	redraw();
}

function takeMetrics(data) {
	state.metrics = data;
	for (const point of [data.previous, data.point]) if (point?.time) addPoint(point);
}

const columns = ['requests', 'failures', 'ttft_p50_ms', 'ttft_p95_ms', 'tokens_in', 'tokens_out', 'cost_microusd', 'in_flight'];

// addPoint replaces a column, or appends one and lets the oldest go.
function addPoint(point) {
	const hist = state.history;
	if (!hist) return;
	let at = hist.time.lastIndexOf(point.time);
	if (at < 0 && point.time < hist.time.at(-1)) return;
	if (at < 0) at = hist.time.push(point.time) - 1;
	for (const name of columns) hist[name][at] = point[name] ?? null;
	const over = hist.time.length - Math.ceil(3600 / hist.step_seconds);
	if (over > 0) for (const name of ['time', ...columns]) hist[name].splice(0, over);
}

function takeProvider(p) {
	const list = providers.data?.providers;
	if (!list) return;
	const i = list.findIndex(x => x.id === p.id);
	if (i < 0) list.push(p); else list[i] = p;
}

function takeRequest(r) {
	state.recent = [r, ...state.recent.filter(x => x.id !== r.id)].slice(0, keepRecent);
}

const quietly = async f => {
	try {await f();} catch {/* the feed's status shows it */}
	redraw();
};
const refreshAlerts = () => quietly(async () => {state.alerts = (await get('alerts?limit=500')).alerts;});

// readToday adds up the cost since the viewer's midnight.
const readToday = () => quietly(async () => {
	const since = new Date(new Date().setHours(0, 0, 0, 0)).toISOString();
	const {groups} = await get('usage?by=provider&limit=500&since=' + since);
	state.today = groups.reduce((sum, g) => sum + g.cost_microusd, 0);
});
setInterval(() => {if (state.feed === 'live' && state.user && !document.hidden) readToday();}, 30000);

// refresh reads what the feed only updates: when a connection or the configuration is new.
function refresh() {
	providers.load();
	refreshAlerts();
	readToday();
	const keep = (name, path) => quietly(async () => {state[name] = await get(path);});
	keep('meta', 'meta');
	keep('history', 'metrics/history?span=1h');
	keep('metrics', 'metrics?window=1m');
	quietly(async () => {for (const r of (await get('requests?limit=100')).requests.reverse()) takeRequest(r);});
}

// enter looks the session up; signed in starts the feed.
export async function enter() {
	try {
		const session = await get('session');
		state.away = false;
		if (session.user) signedIn(session);
	} catch {
		state.away = true;
		setTimeout(enter, 2000);
	}
	state.asked = true;
	redraw();
}

export function signedIn(session) {
	state.user = session;
	state.away = false;
	if (!session.must_change_password) {refresh(); feed.start();}
	redraw();
}

export function signedOut() {
	feed.stop();
	Object.assign(state, {user: null, metrics: null, history: null, recent: [], alerts: [], meta: null});
	providers.clear();
	redraw();
}

watch.lost = () => {if (state.user) signedOut();};
watch.change = () => {
	if (!state.user || state.user.must_change_password) return;
	feed.stop();
	state.user.must_change_password = true;
	redraw();
};
