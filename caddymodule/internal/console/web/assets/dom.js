// Views are functions returning descriptions of elements; redraw() changes only what differs, so that focus, scroll
// and selection survive a feed that speaks every second. Data becomes text and attributes, never markup.

const SVG = 'http://www.w3.org/2000/svg';
const asProperty = new Set(['value', 'checked']);
const spelled = {label: 'aria-label'};

// h describes an HTML element: h('div.card', {onclick}, 'text', child, [children]). Properties may be left out; a null
// child keeps its place, so that siblings stay who they are. Handlers are followed by a redraw.
export const h = (tag, ...rest) => describe('', tag, rest);

// s describes an SVG element.
export const s = (tag, ...rest) => describe(SVG, tag, rest);

function describe(ns, tag, children) {
	const [name, ...classes] = tag.split('.');
	let p = isProps(children[0]) ? children.shift() : {};
	if (classes.length) p = {...p, class: [...classes, p.class].filter(Boolean).join(' ')};
	if (name === 'button') p = {type: 'button', ...p};
	return {ns, tag: name, props: p, key: p.key, children: flat(children, []), el: null};
}

const isProps = v => v?.constructor === Object && v.children === undefined && v.text === undefined && v.node === undefined;

function flat(list, out) {
	for (const c of list) {
		if (Array.isArray(c)) flat(c, out);
		else if (c === null || c === undefined || c === false || c === true) out.push(null);
		else if (typeof c === 'object') out.push(c instanceof Node ? {node: c, el: c} : c);
		else out.push({text: String(c), el: null});
	}
	return out;
}

function create(v) {
	if (v.node) return v.node;
	if (v.text !== undefined) return (v.el = document.createTextNode(v.text));
	const el = v.ns ? document.createElementNS(v.ns, v.tag) : document.createElement(v.tag);
	v.el = el;
	for (const c of v.children) if (c) el.append(create(c));
	for (const name in v.props) setProp(el, name, undefined, v.props[name]);
	return el;
}

function setProp(el, name, was, now) {
	if (name === 'key') return;
	if (asProperty.has(name)) {
		if (el[name] !== now) el[name] = now ?? '';
	} else if (was === now) {
		return;
	} else if (name.startsWith('on')) {
		el[name] = now ? (e => {now.call(el, e);}) : null;
	} else if (name === 'style') {
		setStyle(el, was || {}, now || {});
	} else if (now === null || now === undefined || now === false) {
		el.removeAttribute(spelled[name] || name);
	} else {
		el.setAttribute(spelled[name] || name, now === true ? '' : now);
	}
}

// setStyle uses the CSS object model; style attributes the content security policy forbids.
function setStyle(el, was, now) {
	for (const k in was) if (!(k in now)) el.style.removeProperty(k);
	for (const k in now) if (was[k] !== now[k]) el.style.setProperty(k, now[k]);
}

function same(a, b) {
	if (a.node || b.node) return a.node === b.node;
	return a.key === b.key && a.tag === b.tag && (a.text === undefined) === (b.text === undefined);
}

function patch(old, v) {
	const el = (v.el = old.el);
	if (v.node) return el;
	if (v.text !== undefined) {
		if (v.text !== old.text) el.data = v.text;
		return el;
	}
	patchChildren(el, old.children, v.children);
	for (const name in old.props) if (!(name in v.props)) setProp(el, name, old.props[name], undefined);
	for (const name in v.props) {
		if (asProperty.has(name) && old.props[name] === v.props[name]) continue;
		setProp(el, name, old.props[name], v.props[name]);
	}
	return el;
}

function patchChildren(el, before, after) {
	const keyed = new Map();
	const used = new Set();
	for (const o of before) if (o && o.key !== undefined) keyed.set(o.key, o);
	let cursor = el.firstChild;
	const step = () => {while (cursor && gone.has(cursor)) cursor = cursor.nextSibling;};
	const pairs = after.map((v, i) => {
		if (!v) return null;
		const o = v.key !== undefined ? keyed.get(v.key) : before[i];
		if (!o || used.has(o) || !same(o, v)) return null;
		used.add(o);
		return o;
	});
	const gone = new Set();
	for (const o of before) if (o && !used.has(o) && o.el.parentNode === el) gone.add(o.el);
	after.forEach((v, i) => {
		if (!v) return;
		const child = pairs[i] ? patch(pairs[i], v) : create(v);
		gone.delete(child);
		step();
		if (child === cursor) cursor = cursor.nextSibling;
		else el.insertBefore(child, cursor);
	});
	for (const child of gone) if (child.parentNode === el) child.remove();
}

// reconcile makes the children of el those described.
export function reconcile(el, children) {
	const after = flat([children], []);
	if (!el.drawn) el.replaceChildren();
	patchChildren(el, el.drawn || [], after);
	el.drawn = after;
}

const roots = new Map();
let asked = false;

// attach draws view into el now and at every redraw, until what it returns is called.
export function attach(el, view) {
	roots.set(el, view);
	reconcile(el, view());
	return () => roots.delete(el);
}

// redraw asks for one drawing before the next frame.
export function redraw() {
	if (asked) return;
	asked = true;
	requestAnimationFrame(redrawNow);
}

export function redrawNow() {
	asked = false;
	for (const [el, view] of roots) reconcile(el, view());
}

// say tells those who listen rather than look.
export function say(text) {
	const el = document.getElementById('live');
	el.textContent = '';
	setTimeout(() => {el.textContent = text;}, 50);
}
