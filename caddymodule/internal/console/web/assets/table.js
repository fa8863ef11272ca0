// Tables that stay quick with ten thousand rows: only those in view are in the document. Columns take {id, head,
// cell(row), cls, value(row)}; value makes one sortable. Classes: n for numbers, mid leaves on tablets, lo on phones.

import {h, reconcile} from './dom.js';
import {icon} from './icons.js';

const beyond = 8; // rows drawn above and below the view

export class Table {
	// Options: {label, columns, id(row), open(row), mark(row) → class, sort: column id, down}.
	constructor(options) {
		Object.assign(this, {rows: [], height: 37, from: 0, to: 60, ...options});
		this.el = document.createElement('div');
		this.el.className = 'table-wrap';
		this.onscroll = () => this.moved();
		window.addEventListener('scroll', this.onscroll, {passive: true, capture: true});
	}

	free() {
		window.removeEventListener('scroll', this.onscroll, {capture: true});
	}

	set(rows) {
		this.rows = this.sorted(rows);
		this.window();
		this.draw();
		return this.el;
	}

	sorted(rows) {
		const column = this.columns.find(c => c.id === this.sort);
		if (!column?.value) return rows;
		const sign = this.down ? -1 : 1;
		return rows.map(r => [column.value(r), r]).sort(([a], [b]) => {
			if (a === b || a == null || b == null) return (a == null) - (b == null);
			return a < b ? -sign : sign;
		}).map(([, r]) => r);
	}

	// window finds the rows in view; outside the document those are the first ones.
	window() {
		const body = this.el.querySelector('tbody');
		const row = body?.querySelector('tr[aria-rowindex]');
		if (row && row.offsetHeight) this.height = row.offsetHeight;
		const top = body ? body.getBoundingClientRect().top : 0;
		const first = Math.floor(Math.max(0, -top) / this.height);
		const fit = Math.ceil(window.innerHeight / this.height);
		this.from = Math.max(0, Math.min(first - beyond, this.rows.length - fit));
		this.to = Math.min(this.rows.length, first + fit + beyond);
	}

	moved() {
		if (!this.el.isConnected || this.rows.length < 40) return;
		const [from, to] = [this.from, this.to];
		this.window();
		if (Math.abs(from - this.from) > 3 || Math.abs(to - this.to) > 3 || this.to === this.rows.length) this.draw();
		else Object.assign(this, {from, to});
	}

	draw() {
		const above = this.from * this.height;
		const below = (this.rows.length - this.to) * this.height;
		const filler = (key, height) => height > 0 && h('tr.filler', {key, 'aria-hidden': 'true'}, h('td', {style: {height: height + 'px'}}));
		reconcile(this.el, h('table', {label: this.label, 'aria-rowcount': this.rows.length + 1, class: this.open ? 'opens' : ''},
			h('thead', h('tr', this.columns.map(c => this.header(c)))),
			h('tbody', {onkeydown: e => this.keydown(e)}, filler('above', above),
				this.rows.slice(this.from, this.to).map((row, i) => this.row(row, this.from + i)), filler('below', below))));
	}

	header(c) {
		const on = this.sort === c.id;
		return h('th', {key: c.id, class: c.cls || '', scope: 'col', 'aria-sort': on ? (this.down ? 'descending' : 'ascending') : null},
			c.value ? h('button.sort', {onclick: () => this.order(c.id)}, c.head, on && icon('down', this.down ? '' : 'up')) : c.head || h('span.sr', 'Actions'));
	}

	order(id) {
		Object.assign(this, this.sort === id ? {down: !this.down} : {sort: id, down: true});
		this.rows = this.sorted(this.rows);
		this.draw();
	}

	row(row, i) {
		const opens = this.open && {tabindex: 0, onclick: e => {if (!e.target.closest('button, a, input, select') && !String(getSelection())) this.open(row);}};
		return h('tr', {key: this.id(row), 'aria-rowindex': i + 2, class: this.mark ? this.mark(row) : '', ...opens, 'data-i': i},
			this.columns.map(c => h('td', {key: c.id, class: c.cls || ''}, c.cell(row))));
	}

	// keydown walks the rows and opens one.
	keydown(e) {
		const tr = e.target.closest('tr[data-i]');
		if (!tr || !this.open || e.target !== tr) return;
		const i = Number(tr.dataset.i);
		if (e.key === 'Enter' || e.key === ' ') {e.preventDefault(); this.open(this.rows[i]); return;}
		const step = {ArrowDown: 1, ArrowUp: -1, PageDown: 15, PageUp: -15}[e.key];
		if (!step) return;
		e.preventDefault();
		const want = Math.max(0, Math.min(this.rows.length - 1, i + step));
		const next = this.el.querySelector(`tr[data-i="${want}"]`);
		next?.focus();
		next?.scrollIntoView({block: 'nearest'});
	}
}
