// Charts in SVG: lines and areas over time with a crosshair for pointer and keyboard and a text for those who
// listen; bars; lines without axes.

import {h, s, reconcile} from './dom.js';
import {clock, hourMinute, dash} from './format.js';

const pad = {top: 8, right: 10, bottom: 20, left: 44};
const charts = new Set(); // they share one crosshair
let at = null; // the instant under it, in seconds

const known = v => v !== null && v !== undefined;

// Chart owns its element el; set hands it data. Options: {title, series: [{name, cls}], format, height, area}.
export class Chart {
	constructor(options) {
		Object.assign(this, {width: 0, time: [], values: []}, options);
		this.el = document.createElement('figure');
		this.el.className = 'chart';
		this.sizes = new ResizeObserver(([entry]) => {
			this.width = Math.round(entry.contentRect.width);
			this.draw();
		});
		this.sizes.observe(this.el);
		charts.add(this);
		this.draw();
	}

	// set takes seconds since 1970 and one list of numbers or null per series.
	set(time, values) {
		Object.assign(this, {time, values});
		this.draw();
	}

	free() {
		this.sizes.disconnect();
		charts.delete(this);
	}

	draw() {
		const i = this.index();
		const last = this.time.length - 1;
		reconcile(this.el, [
			h('figcaption', h('span.chart-title', this.title), h('span.legend', this.series.map((one, k) => h('span.legend-item',
				h('i', {class: 'swatch ' + one.cls}), one.name, h('b.num', this.text(k, i ?? this.values[k]?.findLastIndex(known))))), i !== null && h('span.num', this.stamp(i)))),
			h('div.chart-body', {
				tabindex: last < 0 ? -1 : 0, role: 'slider', label: this.title + '; arrow keys read single points',
				'aria-valuemin': 0, 'aria-valuemax': Math.max(0, last), 'aria-valuenow': i ?? Math.max(0, last), 'aria-valuetext': this.sentence(i ?? last),
				onpointermove: e => this.follow(e), onpointerdown: e => this.follow(e), onkeydown: e => this.key(e),
				onpointerleave: e => {if (e.pointerType === 'mouse') point(null);}, onblur: () => point(null),
			}, last < 0 ? h('p.chart-none', 'No traffic yet') : this.width > 0 && this.picture(i), h('p.sr', this.summary())),
		]);
	}

	text(k, i) {
		const v = this.values[k]?.[i];
		return known(v) ? this.format(v) : dash;
	}

	stamp(i) { return (this.time.at(-1) - this.time[0] > 7300 ? hourMinute : clock)(this.time[i]); }

	// index is the point under the crosshair.
	index() {
		const {time} = this;
		if (at === null || !time.length || at < time[0] || at > time.at(-1) + 60) return null;
		const after = time.findIndex(t => t >= at);
		return after < 0 ? time.length - 1 : after;
	}

	follow(e) {
		const x = e.clientX - this.el.getBoundingClientRect().left - pad.left;
		this.go(Math.round(x / (this.width - pad.left - pad.right) * (this.time.length - 1)));
	}

	go(i) { point(this.time[Math.max(0, Math.min(this.time.length - 1, i))] ?? null); }

	key(e) {
		const n = this.time.length;
		const step = {ArrowLeft: -1, ArrowRight: 1, PageUp: -10, PageDown: 10, Home: -n, End: n}[e.key];
		if (e.key === 'Escape') point(null);
		if (!step) return;
		e.preventDefault();
		this.go((this.index() ?? n - 1) + step);
	}

	sentence(i) { return i < 0 ? 'no data' : `${this.stamp(i)}: ` + this.series.map((one, k) => `${one.name} ${this.text(k, i)}`).join(', '); }

	summary() {
		return this.series.map((one, k) => {
			const list = (this.values[k] || []).filter(known);
			return list.length ? `${one.name}: now ${this.format(list.at(-1))}, least ${this.format(Math.min(...list))}, most ${this.format(Math.max(...list))}.` : `${one.name}: no data.`;
		}).join(' ');
	}

	picture(i) {
		const n = this.time.length;
		const plot = frame(this, Math.max(...this.values.flat().filter(known), 0));
		const x = k => plot.left + (n > 1 ? k / (n - 1) : 1) * plot.w;
		const step = Math.ceil(n / Math.max(2, Math.floor(plot.w / 90)));
		const marks = [];
		for (let k = n - 1; k >= 0 && x(k) > 60; k -= step) marks.push(plot.mark(x(k), hourMinute(this.time[k]), k === n - 1));
		return plot.svg(marks, this.series.map((one, k) => {
			const runs = split(this.values[k] || []).map(run => run.map(([j, v]) => `${x(j).toFixed(1)} ${plot.y(v).toFixed(1)}`).join('L'));
			const base = plot.y(0).toFixed(1);
			const ends = run => [run.split(' ')[0], run.slice(run.lastIndexOf('L') + 1).split(' ')[0]];
			return s('g', this.area && s('path', {class: 'area ' + one.cls, d: runs.map(run => `M${ends(run)[0]} ${base}L${run}L${ends(run)[1]} ${base}Z`).join('')}),
				s('path', {class: 'line ' + one.cls, d: runs.map(run => 'M' + run + (run.includes('L') ? '' : 'm-2 0h4')).join('')}));
		}), i !== null && s('g', s('line', {class: 'cross', x1: x(i), x2: x(i), y1: pad.top, y2: plot.y(0)}),
			this.series.map((one, k) => known(this.values[k]?.[i]) && s('circle', {class: 'dot ' + one.cls, cx: x(i), cy: plot.y(this.values[k][i]), r: 3.5}))));
	}
}

// point moves the crosshair of all charts.
function point(instant) {
	at = instant;
	for (const c of charts) c.draw();
}

// frame is a scale and its grid.
function frame({width, height, format}, most) {
	const top = ceiling(most);
	const w = width - pad.left - pad.right;
	const y = v => height - pad.bottom - (v / top.at(-1)) * (height - pad.top - pad.bottom);
	return {
		w, y, left: pad.left,
		mark: (x, text, end) => s('text', {class: 'tick', x, y: height - 4, 'text-anchor': end ? 'end' : 'middle'}, text),
		svg: (...parts) => s('svg', {class: 'plot', width, height, 'aria-hidden': 'true'}, top.map(t => [
			s('line', {class: t ? 'grid' : 'grid base', x1: pad.left, x2: width - pad.right, y1: y(t), y2: y(t)}),
			s('text', {class: 'tick', x: pad.left - 8, y: y(t) + 3.5, 'text-anchor': 'end'}, format(t))]), parts.map(p => s('g', p))),
	};
}

// split cuts a list into the runs between its gaps, as [index, value] pairs.
function split(list) {
	const runs = [[]];
	list.forEach((v, i) => {
		if (known(v)) runs.at(-1).push([i, v]);
		else if (runs.at(-1).length) runs.push([]);
	});
	return runs.filter(run => run.length);
}

// ceiling is the ticks up to max: one, two or five times a power of ten apart.
export function ceiling(max) {
	if (!(max > 0)) return [0, 1];
	const power = 10 ** Math.floor(Math.log10(max / 3));
	const step = [1, 2, 5, 10].map(m => m * power).find(v => v * 3 >= max * 0.999);
	return Array.from({length: Math.ceil(max / step * 0.999) + 1}, (_, k) => k * step);
}

// bars draws [label, value] pairs; a table beside them says the same.
export function bars(list, format) {
	const width = 1000;
	const plot = frame({width, height: 190, format}, Math.max(...list.map(([, v]) => v)));
	const room = plot.w / list.length;
	const every = Math.ceil(list.length / 12);
	const svg = plot.svg(list.map(([label, v], i) => s('rect', {class: 'bar-mark c1', x: plot.left + room * (i + 0.18), width: room * 0.64, y: plot.y(v), height: plot.y(0) - plot.y(v)}, s('title', `${label}: ${format(v)}`))),
		list.map(([label], i) => (list.length - 1 - i) % every === 0 && plot.mark(plot.left + room * (i + 0.5), label)));
	Object.assign(svg.props, {viewBox: `0 0 ${width} 190`, width: '100%', height: null});
	return svg;
}

// spark is a line for one glance; label says what it shows.
export function spark(list, label, cls = 'c1') {
	const n = (list || []).length;
	const max = Math.max(...(list || []), 0) || 1;
	const line = 'M' + (list || []).map((v, i) => `${(i / (n - 1) * 100).toFixed(1)} ${(22 - (v || 0) / max * 20).toFixed(1)}`).join('L');
	return s('svg', {class: 'spark ' + cls, viewBox: '0 0 100 24', preserveAspectRatio: 'none', role: 'img', label: label},
		n > 1 ? [s('path', {class: 'area', d: line + 'L100 24L0 24Z'}), s('path', {class: 'line', d: line})] : s('path', {class: 'grid', d: 'M0 22H100'}));
}
