// Usage: who and what cost how much.

import {button, choice, count, day, empty, exact, h, head, hourMinute, meter, money, percent, providerTitle, query, ready, Resource, select} from './parts.js';
import {bars} from './chart.js';
import {Table} from './table.js';

const groupings = [['provider', 'Provider'], ['model', 'Model'], ['client', 'Client'], ['key', 'Key'], ['day', 'Day'], ['hour', 'Hour'], ['session', 'Session']];
const ranges = [['1', 'Last 24 hours'], ['7', 'Last 7 days'], ['30', 'Last 30 days'], ['90', 'Last 90 days'], ['', 'All time']];
const measures = {cost_microusd: ['Cost', money], tokens: ['Tokens', count], requests: ['Requests', count]};
const st = {by: 'provider', days: '7', measure: 'cost_microusd', table: null};

const since = () => (st.days ? new Date(Date.now() - st.days * 86400e3).toISOString() : '');
const usage = new Resource(() => 'usage' + query({by: st.by, since: since(), limit: 500}), 'groups');
const reload = change => {Object.assign(st, change); if (change.by) usage.clear(); usage.load();};

const value = g => (st.measure === 'tokens' ? (g.tokens_in || 0) + (g.tokens_out || 0) : g[st.measure] || 0);
const timed = () => st.by === 'day' || st.by === 'hour';
const name = g => (st.by === 'provider' ? providerTitle(g.key) : st.by === 'hour' ? `${day(g.key)} ${hourMinute(g.key)}` : g.key) || 'unknown';
const total = (list, f) => list.reduce((sum, g) => sum + (f(g) || 0), 0);

function columns(most) {
	const number = (id, title, cls, get, show) => ({id, head: title, cls: 'n ' + cls, value: get, cell: g => show(get(g))});
	return [
		{id: 'key', head: groupings.find(([v]) => v === st.by)[1], cls: 'w-l', value: name, cell: name},
		{id: 'share', head: 'Share', cls: 'w-l xl', cell: g => meter(value(g) / most, measures[st.measure][1](value(g)), 'c1')},
		number('requests', 'Requests', 'w-m', g => g.requests, exact),
		number('failed', 'Failed', 'w-s lo', g => (g.requests ? g.failures / g.requests : 0), percent),
		number('in', 'Tokens in', 'w-m lo', g => g.tokens_in, count),
		number('cached', 'Cached', 'w-s mid', g => g.tokens_cached, count),
		number('out', 'Tokens out', 'w-m lo', g => g.tokens_out, count),
		number('cost', 'Cost', 'w-m', g => g.cost_microusd, money),
	];
}

const chartOf = groups => h('div.gap', {key: 'chart'}, h('div.card.chart-card', h('div.scroll-x', bars([...groups].sort((a, b) => (a.key < b.key ? -1 : 1)).slice(-90).map(g => [st.by === 'hour' ? hourMinute(g.key) : day(g.key), value(g)]), measures[st.measure][1]))));

// csv writes for spreadsheets; a leading sign is quoted, so that no cell is taken for a formula.
function csv(groups) {
	const columns = ['key', 'requests', 'failures', 'tokens_in', 'tokens_out', 'tokens_cached', 'cost_microusd', 'estimated'];
	const cell = v => '"' + String(v ?? '').replace(/^[=+\-@\t\r]/, "'$&").replaceAll('"', '""') + '"';
	const text = [columns, ...groups.map(g => columns.map(c => g[c]))].map(row => row.map(cell).join(',')).join('\r\n');
	const link = document.createElement('a');
	link.href = URL.createObjectURL(new Blob([text], {type: 'text/csv'}));
	link.download = `aimux-usage-by-${st.by}.csv`;
	link.click();
	setTimeout(() => URL.revokeObjectURL(link.href), 1000);
}

function view({groups}) {
	if (!groups?.length) return empty('Nothing used yet', 'Tokens and cost of every request are added up here.');
	st.table.columns = columns(Math.max(...groups.map(value), 1));
	const rows = timed() ? [...groups].sort((a, b) => (a.key < b.key ? 1 : -1)) : [...groups].sort((a, b) => value(b) - value(a));
	const sum = (title, text) => h('div.tile', {key: title}, h('h2', title), h('p.value.num', text));
	return [h('section.tiles.four', {label: 'Sums'}, sum('Cost', money(total(groups, g => g.cost_microusd))), sum('Requests', count(total(groups, g => g.requests))),
		sum('Tokens in', count(total(groups, g => g.tokens_in))), sum('Tokens out', count(total(groups, g => g.tokens_out)))),
	timed() && chartOf(groups), h('div.gap', {key: 'rows'}, st.table.set(rows)),
	total(groups, g => g.estimated) > 0 && h('p.hint.gap', 'Some tokens were counted by the gateway, because the provider reported none.')];
}

export default {
	path: 'usage', title: 'Usage', icon: 'usage',
	enter() {st.table = new Table({label: 'Usage', columns: [], id: g => g.key}); usage.load();},
	leave() {st.table.free();},
	view: () => [head('Usage', null, choice('Measure', Object.entries(measures).map(([k, v]) => [k, v[0]]), st.measure, v => {st.measure = v;}),
		button('CSV', () => csv(usage.data?.groups || []), {icon: 'download', disabled: !usage.data?.groups?.length})),
	h('div.toolbar', choice('Group by', groupings, st.by, by => reload({by})), select(ranges, {value: st.days, label: 'Range', onchange: e => reload({days: e.target.value})})),
	ready(usage, view, 8)],
};
