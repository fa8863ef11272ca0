// The icons: strokes on a 16 by 16 grid, drawn for this page.

import {s} from './dom.js';

const paths = {
	overview: 'M2.5 9.5 5.5 6l3 2.5 5-5.5M2.5 13.5h11',
	requests: 'M2.5 4h7M2.5 8h11M2.5 12h5M12 2.5v3M10 10.5v3',
	usage: 'M3 13.5v-4M6.5 13.5v-8M10 13.5v-6M13.5 13.5v-11',
	alerts: 'M8 2.2a3.8 3.8 0 0 0-3.8 3.8c0 3.4-1.4 4.6-1.4 5.2h10.4c0-.6-1.4-1.8-1.4-5.2A3.8 3.8 0 0 0 8 2.2zM6.6 13.6h2.8',
	providers: 'M2.5 3h11v4h-11zM2.5 9h11v4h-11zM5 5h.1M5 11h.1',
	routes: 'M2.5 8h3c3 0 2.5-4.5 5.5-4.5h2.5M5.5 8c3 0 2.5 4.5 5.5 4.5h2.5M11.8 1.8l1.7 1.7-1.7 1.7M11.8 10.8l1.7 1.7-1.7 1.7',
	keys: 'M9.2 6.8 13.5 2.5M11 5l1.8 1.8M5.8 13.2a3 3 0 1 0 0-6 3 3 0 0 0 0 6z',
	clients: 'M2.5 3h11v8h-11zM6 13.5h4M5 6l1.5 1.2L5 8.4M8 8.5h2.5',
	audit: 'M4 2.5h8v11H4zM6.2 5.5h3.6M6.2 8h3.6M6.2 10.5h2',
	settings: 'M2.5 4.5h5M11 4.5h2.5M2.5 11.5H5M8.5 11.5h5M9.2 2.7v3.6M6.7 9.7v3.6',
	more: 'M3 8h.1M8 8h.1M13 8h.1',
	plus: 'M8 3v10M3 8h10',
	close: 'M4 4l8 8M12 4l-8 8',
	copy: 'M5.5 5.5h8v8h-8zM3.5 10.5h-1v-8h8v1',
	search: 'M7 11.5a4.5 4.5 0 1 0 0-9 4.5 4.5 0 0 0 0 9zM10.3 10.3l3.2 3.2',
	edit: 'M3 13l.6-2.6L11 3l2 2-7.4 7.4z',
	trash: 'M3 4.5h10M6 4.5v-2h4v2M4.5 4.5l.6 9h5.8l.6-9',
	grip: 'M6 4h.1M10 4h.1M6 8h.1M10 8h.1M6 12h.1M10 12h.1',
	bolt: 'M8.8 2 3.8 9h4l-.6 5 5-7h-4z',
	pause: 'M6 3.5v9M10 3.5v9',
	play: 'M5 3.2v9.6L12.5 8z',
	undo: 'M5.5 3.5 3 6l2.5 2.5M3 6h6a3.7 3.7 0 0 1 0 7.4H6.5',
	down: 'M4 6.2 8 10l4-3.8',
	right: 'M6.2 4 10 8l-3.8 4',
	light: 'M8 10.8a2.8 2.8 0 1 0 0-5.6 2.8 2.8 0 0 0 0 5.6zM8 1.5V3M8 13v1.5M1.5 8H3M13 8h1.5M3.4 3.4l1 1M11.6 11.6l1 1M12.6 3.4l-1 1M4.4 11.6l-1 1',
	dark: 'M13 9.6A5.6 5.6 0 0 1 6.4 3a5.6 5.6 0 1 0 6.6 6.6z',
	auto: 'M8 13.5a5.5 5.5 0 1 0 0-11 5.5 5.5 0 0 0 0 11zM8 2.5v11M10.5 4v8',
	user: 'M8 8a2.8 2.8 0 1 0 0-5.6A2.8 2.8 0 0 0 8 8zM2.8 13.6c.6-2.6 2.6-3.8 5.2-3.8s4.6 1.2 5.2 3.8',
	download: 'M8 2.5v8M4.8 7.5 8 10.6l3.2-3.1M3 13.5h10',
	shield: 'M8 2 3 4v4c0 3 2 5 5 6 3-1 5-3 5-6V4zM5.8 8l1.6 1.6 2.8-3',
	table: 'M2.5 3h11v10h-11zM2.5 6.3h11M2.5 9.6h11M6.5 3v10',
	out: 'M6.5 2.5h-4v11h4M7 8h6.5M11 5.5 13.5 8 11 10.5',
};

export function icon(name, cls = '') {
	return s('svg', {class: 'icon ' + cls, viewBox: '0 0 16 16', 'aria-hidden': 'true'}, s('path', {d: paths[name]}));
}

// Shapes say a status without colour: disc, triangle, crescent, stop sign, ring.
const shapes = {
	ok: 'M2 6a4 4 0 1 0 8 0 4 4 0 1 0-8 0z',
	warn: 'M6 1.2 11.2 10.6H.8z',
	rest: 'M10.6 7.4A5 5 0 0 1 4.6 1.4a5 5 0 1 0 6 6z',
	bad: 'M3.2.9h5.6l2.3 2.3v5.6l-2.3 2.3H3.2L.9 8.8V3.2zM4 5.2v1.6h4V5.2z',
	off: 'M6 1.6a4.4 4.4 0 1 0 0 8.8 4.4 4.4 0 0 0 0-8.8zm0 1.6a2.8 2.8 0 1 1 0 5.6 2.8 2.8 0 0 1 0-5.6z',
};

export const shape = tone => s('svg', {class: 'shape tone-' + tone, viewBox: '0 0 12 12', 'aria-hidden': 'true'}, s('path', {d: shapes[tone] || shapes.off, 'fill-rule': 'evenodd'}));
