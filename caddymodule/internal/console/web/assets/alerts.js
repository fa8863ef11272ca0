// Alerts: what fires now, what did, and the rules behind them.

import {ago, badge, card, empty, full, h, head, listen, mono, muted, plain, plural, providerLink, providerTitle, rate, ready, Resource, shape, show, tone} from './parts.js';

const alerts = new Resource('alerts?limit=500');
let stop = () => {};

// alertLine is one alert among lines; the overview shows it too.
export const alertLine = a => h('li', {key: a.name + (a.provider || '')}, h('span', {class: 'tone-' + tone(a.state)}, shape(tone(a.state))),
	h('div', h('a', {href: '#/alerts'}, a.text || a.name), h('small', a.state + (a.provider ? ' · ' + providerTitle(a.provider) : ''))),
	h('time.end', {datetime: a.since}, ago(a.since)));

const order = {firing: 0, pending: 1, resolved: 2};

function row(a) {
	return h('li.alert', {key: a.name + (a.provider || '') + a.since, class: 'is-' + a.state}, badge(a.state),
		h('div.alert-text', h('h3', a.text || a.name), h('p.muted', mono(a.name), a.provider && [' on ', providerLink(a.provider)])),
		h('div.alert-figures', a.metric && h('p', a.metric, ' ', h('b.num', rate(a.value)), muted(' limit ', h('span.num', rate(a.threshold)))),
			h('p.muted', h('time', {datetime: a.since, title: full(a.since)}, ago(a.since)))));
}

function rules(list) {
	if (!list?.length) return null;
	const columns = [...new Set(list.flatMap(r => Object.keys(r)))].slice(0, 8);
	return card('Rules', muted(plural(list.length, 'rule')), plain(columns.map(c => c.replaceAll('_', ' ')), list, r => columns.map(c => show(r[c]))));
}

function view(data) {
	const list = [...data.alerts].sort((a, b) => (order[a.state] ?? 3) - (order[b.state] ?? 3) || (a.since < b.since ? 1 : -1));
	return [list.length ? h('ul.alerts', list.slice(0, 300).map(row))
		: empty('All quiet', 'No rule has fired.'), rules(data.rules)];
}

export default {
	path: 'alerts', title: 'Alerts', icon: 'alerts',
	enter() {
		alerts.load();
		stop = listen(m => {if (m.type === 'alert' || m.type === 'hello') alerts.load();});
	},
	leave() {stop();},
	view: () => [head('Alerts', 'What needs somebody to look, and what did.'), ready(alerts, view)],
};
