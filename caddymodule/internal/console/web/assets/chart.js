// Time charts in SVG: areas, lines and columns with a crosshair for pointer and keyboard, and a text for those
// who listen. A chart owns its element; set() hands it new data.

import {h, s, reconcile} from './dom.js';
import {clock, hourMinute, day, dash} from './format.js';

const pad = {top: 8, right: 10, bottom: 20, left: 44};
const together = new Set(); // charts that share one crosshair
let shared = null; // the instant under it, in seconds

// Chart takes {title, kind: 'area'|'line'|'column', series: [{name, cls}], format, height, unit}.
export class Chart {
	constructor(options) {
		Object.assign(this, {height: 150, kind: 'line', unit: ''}, options);
		this.el = document.createElement('figure');
		this.el.className = 'chart';
		Object.assign(this, {width: 0, time: [], values: [], at: null});
		this.sizes = new ResizeObserver(([entry]) => {
			const w = Math.round(entry.contentRect.width);
			if (w && w !== this.width) {this.width = w; this.draw();}
		});
		this.sizes.observe(this.el);
		if (this.kind !== 'column') together.add(this);
		this.draw();
	}

	// set takes seconds since 1970 and one list of numbers (or null) per series.
	set(time, values) {
		this.time = time || [];
		this.values = values;
		this.draw();
	}

	free() {
		this.sizes.disconnect();
		together.delete(this);
	}

	draw() {
		reconcile(this.el, [
			h('figcaption', h('span.chart-title', this.title), this.legend()),
			this.picture(),
		]);
	}

	legend() {
		const i = this.index();
		return h('span.legend', this.series.map((one, n) => {
			const v = i === null ? this.values[n]?.findLast(x => x !== null && x !== undefined) : this.values[n]?.[i];
			return h('span.legend-item', {key: one.name}, h('i', {class: 'swatch ' + one.cls}), one.name,
				h('b.num', v === undefined || v === null ? dash : this.format(v)));
		}), i !== null && h('span.legend-time.num', {key: 'time'}, this.stamp(this.time[i])));
	}

	stamp(t) {
		const long = this.time.length > 1 && this.time.at(-1) - this.time[0] > 7300;
		if (this.kind === 'column' && this.step() >= 80000) return day(t);
		return long ? hourMinute(t) : clock(t);
	}

	step() {return this.time.length > 1 ? this.time[1] - this.time[0] : 10;}

	// index is the column under the crosshair.
	index() {
		const at = this.kind === 'column' ? this.at : shared;
		if (at === null || !this.time.length) return null;
		if (at < this.time[0] - this.step() || at > this.time.at(-1) + this.step()) return null;
		let best = 0;
		for (let i = 1; i < this.time.length; i++) if (Math.abs(this.time[i] - at) < Math.abs(this.time[best] - at)) best = i;
		return best;
	}

	point(at) {
		if (this.kind === 'column') {this.at = at; this.draw(); return;}
		shared = at;
		for (const c of together) c.draw();
	}

	picture() {
		const n = this.time.length;
		const i = this.index();
		return h('div.chart-body', {
			tabindex: n ? 0 : -1, role: 'slider', 'aria-label': `${this.title}; arrow keys read single points`,
			'aria-valuemin': 0, 'aria-valuemax': Math.max(0, n - 1), 'aria-valuenow': i ?? Math.max(0, n - 1),
			'aria-valuetext': this.sentence(i ?? n - 1),
			onpointermove: e => this.follow(e), onpointerdown: e => this.follow(e),
			onpointerleave: e => {if (e.pointerType === 'mouse') this.point(null);},
			onblur: () => this.point(null), onkeydown: e => this.key(e),
		}, this.width && n ? this.svg(i) : h('p.chart-none', n ? '' : 'No traffic yet'),
		h('p.sr', this.summary()));
	}

	follow(e) {
		const box = e.currentTarget.getBoundingClientRect();
		const n = this.time.length;
		if (!n) return;
		const inner = this.width - pad.left - pad.right;
		const x = (e.clientX - box.left - pad.left) / inner;
		const i = this.kind === 'column' ? Math.floor(x * n) : Math.round(x * (n - 1));
		this.point(this.time[Math.max(0, Math.min(n - 1, i))]);
	}

	key(e) {
		const n = this.time.length;
		const step = {ArrowLeft: -1, ArrowRight: 1, PageUp: -10, PageDown: 10, Home: -n, End: n}[e.key];
		if (e.key === 'Escape') this.point(null);
		if (!step || !n) return;
		e.preventDefault();
		this.point(this.time[Math.max(0, Math.min(n - 1, (this.index() ?? n - 1) + step))]);
	}

	sentence(i) {
		if (i < 0 || i >= this.time.length) return 'no data';
		const parts = this.series.map((one, n) => `${one.name} ${this.values[n]?.[i] == null ? 'unknown' : this.format(this.values[n][i])}`);
		return `${this.stamp(this.time[i])}: ${parts.join(', ')}`;
	}

	summary() {
		if (!this.time.length) return `${this.title}: no data.`;
		return this.series.map((one, n) => {
			const list = (this.values[n] || []).filter(v => v !== null && v !== undefined);
			if (!list.length) return `${one.name}: no data.`;
			return `${one.name}: now ${this.format(list.at(-1))}, least ${this.format(Math.min(...list))}, most ${this.format(Math.max(...list))}.`;
		}).join(' ');
	}

	svg(i) {
		const {width, height} = this;
		const inner = {w: width - pad.left - pad.right, h: height - pad.top - pad.bottom};
		const n = this.time.length;
		const top = ceiling(this.most());
		const x = this.kind === 'column' ? k => pad.left + ((k + 0.5) / n) * inner.w
			: k => pad.left + (n > 1 ? k / (n - 1) : 1) * inner.w;
		const y = v => pad.top + inner.h - (v / top.max) * inner.h;
		return s('svg', {class: 'plot', width, height, viewBox: `0 0 ${width} ${height}`, 'aria-hidden': 'true'},
			s('g', top.ticks.map(t => [
				s('line', {class: t ? 'grid' : 'grid base', x1: pad.left, x2: width - pad.right, y1: y(t), y2: y(t)}),
				s('text', {class: 'tick', x: pad.left - 8, y: y(t) + 3.5, 'text-anchor': 'end'}, this.format(t)),
			])),
			s('g', this.marks(x, inner.w)),
			s('g', this.kind === 'column' ? this.columns(x, y, inner.w / n, i) : this.lines(x, y)),
			i !== null && s('g', s('line', {class: 'cross', x1: x(i), x2: x(i), y1: pad.top, y2: pad.top + inner.h}),
				this.kind !== 'column' && this.series.map((one, k) => this.values[k]?.[i] != null
					&& s('circle', {class: 'dot ' + one.cls, cx: x(i), cy: y(this.values[k][i]), r: 3.5}))));
	}

	most() {
		let max = 0;
		if (this.kind === 'column') {
			for (let k = 0; k < this.time.length; k++) max = Math.max(max, this.values.reduce((sum, list) => sum + (list[k] || 0), 0));
			return max;
		}
		for (const list of this.values) for (const v of list || []) if (v > max) max = v;
		return max;
	}

	marks(x, room) {
		const n = this.time.length;
		const step = Math.max(1, Math.ceil(n / Math.max(2, Math.floor(room / 90))));
		const out = [];
		for (let k = n - 1; k >= 0; k -= step) {
			if (x(k) < pad.left + 18 && out.length) continue;
			const end = this.kind !== 'column' && k === n - 1;
			const t = this.step() >= 80000 ? day(this.time[k]) : hourMinute(this.time[k]);
			out.push(s('text', {class: 'tick', x: x(k), y: this.height - 4, 'text-anchor': end ? 'end' : 'middle'}, t));
		}
		return out;
	}

	lines(x, y) {
		return this.series.map((one, k) => {
			const runs = split(this.values[k] || []);
			const line = runs.map(run => run.map(([i, v], j) => `${j ? 'L' : 'M'}${x(i).toFixed(1)} ${y(v).toFixed(1)}`).join('')).join('');
			const area = this.kind === 'area' && runs.map(run => `M${x(run[0][0]).toFixed(1)} ${y(0).toFixed(1)}`
				+ run.map(([i, v]) => `L${x(i).toFixed(1)} ${y(v).toFixed(1)}`).join('') + `L${x(run.at(-1)[0]).toFixed(1)} ${y(0).toFixed(1)}Z`).join('');
			return s('g', {key: one.name}, area && s('path', {class: 'area ' + one.cls, d: area}), s('path', {class: 'line ' + one.cls, d: line}));
		});
	}

	columns(x, y, room, at) {
		const w = Math.max(1, Math.min(28, room * 0.66));
		return this.time.map((_, i) => {
			let base = 0;
			return s('g', {key: i, class: at !== null && at !== i ? 'dim' : ''}, this.series.map((one, k) => {
				const v = this.values[k]?.[i] || 0;
				const rect = s('rect', {class: 'column ' + one.cls, x: x(i) - w / 2, width: w, y: y(base + v), height: Math.max(0, y(base) - y(base + v))});
				base += v;
				return rect;
			}));
		});
	}
}

// split cuts a list into the runs between its gaps, as [index, value] pairs.
function split(list) {
	const runs = [];
	let run = null;
	list.forEach((v, i) => {
		if (v === null || v === undefined) {run = null; return;}
		if (!run) runs.push((run = []));
		run.push([i, v]);
	});
	return runs;
}

// ceiling chooses the top of the scale and its ticks: one, two or five times a power of ten.
export function ceiling(max) {
	if (!(max > 0)) return {max: 1, ticks: [0, 1]};
	const raw = max / 3;
	const power = 10 ** Math.floor(Math.log10(raw));
	const step = [1, 2, 2.5, 5, 10].map(m => m * power).find(v => v >= raw * 0.999);
	const ticks = [];
	for (let k = 0; k * step < max + step * 0.999; k++) ticks.push(k * step);
	return {max: ticks.at(-1), ticks};
}

// spark is a line without axes, for one glance; its text says what it shows.
export function spark(list, label, cls = 'c1') {
	const values = (list || []).map(v => v ?? 0);
	const n = values.length;
	const max = Math.max(...values, 0) || 1;
	const at = (v, i) => `${((i / Math.max(1, n - 1)) * 100).toFixed(1)} ${(22 - (v / max) * 20).toFixed(1)}`;
	const line = values.map((v, i) => (i ? 'L' : 'M') + at(v, i)).join('');
	return s('svg', {class: 'spark', viewBox: '0 0 100 24', preserveAspectRatio: 'none', role: 'img', 'aria-label': label},
		n > 1 && s('path', {class: 'area ' + cls, d: line + 'L100 24L0 24Z'}),
		n > 1 ? s('path', {class: 'line ' + cls, d: line}) : s('line', {class: 'grid', x1: 0, x2: 100, y1: 22, y2: 22}));
}
