// The audit log: who changed what, chained so that a missing or altered record shows.

import {attempt, badge, button, dialogHead, during, empty, exact, fact, failure, full, get, h, head, may, moment, open, plural, post, query, ready, Resource, shape} from './parts.js';
import {Table} from './table.js';

const st = {result: null, busy: false, table: null};
const log = new Resource('audit' + query({limit: 200}));

const block = v => h('pre.block', v === undefined || v === null ? 'nothing' : typeof v === 'string' ? v : JSON.stringify(v, null, 2));

const show = r => open(close => [dialogHead('Record ' + r.seq, close), h('div.dialog-body',
	h('dl.facts.wide', fact('When', full(r.ts)), fact('Who', r.actor), fact('From', r.ip), fact('What', r.action), fact('On', r.target), fact('Outcome', badge(r.outcome))),
	h('h3', 'Before'), block(r.before), h('h3', 'After'), block(r.after), h('p.hint', 'Hash ', h('code', r.hash)))], {cls: 'drawer wide', label: 'Record ' + r.seq});

const columns = [
	{id: 'ts', head: 'Time', cls: 'w-m', cell: r => moment(r.ts)},
	{id: 'actor', head: 'Who', cls: 'w-m', cell: r => r.actor},
	{id: 'action', head: 'What', cell: r => r.action},
	{id: 'target', head: 'On', cls: 'lo', cell: r => r.target},
	{id: 'outcome', head: 'Outcome', cls: 'w-m', cell: r => badge(r.outcome)},
	{id: 'ip', head: 'From', cls: 'w-m mid', cell: r => r.ip},
	{id: 'seq', head: 'No.', cls: 'n w-s mid', cell: r => exact(r.seq)},
];

const verify = () => during(st, async () => {st.result = await post('audit/verify');});

const older = () => attempt(async () => {
	const page = await get('audit' + query({limit: 500, cursor: log.data.next}));
	log.data = {records: [...log.data.records, ...page.records], next: page.next};
});

const view = d => (d.records?.length ? [st.table.set(d.records), d.next && h('p.centre', button('Load older', older))]
	: empty('Nothing recorded yet', 'Every change is written down before it is made.'));

export default {
	path: 'audit', title: 'Audit', icon: 'audit',
	enter() {st.table = new Table({label: 'Audit log', columns, id: r => r.seq, open: show}); log.load();},
	leave() {st.table.free(); st.result = null;},
	view: () => [head('Audit', 'Every change, written down before it is made.', button('Verify the chain', verify, {icon: 'shield', busy: st.busy, disabled: !may('operator')})),
		st.error && failure(st.error, verify), st.result && h('div.notice.below', {class: st.result.ok ? '' : 'bad', role: 'status'}, shape(st.result.ok ? 'ok' : 'bad'), h('div',
			st.result.ok ? `The chain holds: ${plural(st.result.records, 'record')}, none missing or altered.` : `The chain is broken${st.result.first_bad ? ' from record ' + exact(st.result.first_bad) : ''}. ${st.result.message || ''}`)),
		ready(log, view, 10)],
};
