// The REST API. Every failure becomes an ApiError that a person can read.

import {redraw} from './dom.js';

export class ApiError extends Error {
	constructor(status, code, message, problems, retryAfter) {
		super(message);
		this.status = status;
		this.code = code;
		this.problems = problems || [];
		this.retryAfter = retryAfter;
	}

	// stale: somebody else changed it since it was read.
	get stale() {return this.status === 412;}
}

// watch.lost is called when the session has ended, watch.change when a password has to be set first.
export const watch = {lost: () => {}, change: () => {}};

// call returns {data, etag}. Paths are relative to the page, so it also works below a prefix. The fetch mode stays the
// default: under the policy no-referrer any other would send "Origin: null".
export async function call(method, path, body, etag) {
	const headers = {Accept: 'application/json'};
	if (method !== 'GET') headers['Content-Type'] = 'application/json';
	if (etag) headers['If-Match'] = etag;
	let answer;
	try {
		answer = await fetch('api/' + path, {
			method, headers, cache: 'no-store', credentials: 'same-origin',
			body: method === 'GET' ? undefined : JSON.stringify(body ?? {}),
		});
	} catch {
		throw new ApiError(0, 'unreachable', 'The gateway does not answer. It may be restarting.');
	}
	const data = await parse(answer);
	if (answer.ok) return {data, etag: answer.headers.get('ETag') || data?.etag || ''};
	const e = data?.error || {};
	if (answer.status === 401 && path !== 'login') watch.lost();
	if (e.code === 'password_change_required') watch.change();
	throw new ApiError(answer.status, e.code || 'failed', e.message || `The gateway answered ${answer.status}.`, e.problems, Number(answer.headers.get('Retry-After')) || 0);
}

async function parse(answer) {
	if (answer.status === 204) return {};
	try {return await answer.json();} catch {return null;}
}

export const get = async path => (await call('GET', path)).data;
export const post = async (path, body) => (await call('POST', path, body)).data;
export const put = async (path, body, etag) => (await call('PUT', path, body, etag)).data;
export const del = async (path, etag) => (await call('DELETE', path, undefined, etag)).data;

// query writes the filled fields of o as a query string.
export function query(o) {
	const q = new URLSearchParams();
	for (const k in o) if (o[k] !== '' && o[k] !== null && o[k] !== undefined) q.set(k, o[k]);
	const text = q.toString();
	return text ? '?' + text : '';
}

export const seg = encodeURIComponent;

// Resource is something read from the API: data, else the error that kept it away, else neither while it loads. Data
// stays while it is read again.
export class Resource {
	// path may be a function; list names the rows in an answer that further pages may follow.
	constructor(path, list) {
		Object.assign(this, {path, list, turn: 0});
		this.clear();
	}

	async load() {
		const turn = ++this.turn;
		this.busy = true;
		try {
			const path = typeof this.path === 'function' ? this.path() : this.path;
			const {data, etag} = await call('GET', path);
			for (let n = 0; this.list && data.next && n < 20; n++) {
				const more = await get(path + '&cursor=' + seg(data.next));
				data[this.list].push(...more[this.list]);
				data.next = more.next;
			}
			if (turn !== this.turn) return;
			Object.assign(this, {data, etag, error: null});
		} catch (e) {
			if (turn === this.turn) this.error = e;
		} finally {
			if (turn === this.turn) this.busy = false;
			redraw();
		}
	}

	clear() {
		Object.assign(this, {data: null, error: null, etag: '', busy: false, turn: this.turn + 1});
	}
}
