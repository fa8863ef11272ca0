// The live feed: a WebSocket, else server-sent events, else polling. It reconnects after growing, jittered pauses
// and closes while nobody looks at the page.

import {get} from './api.js';

const silence = 15000; // ms without a message after which a connection counts as dead
const hiddenFor = 60000; // ms a hidden page keeps its connection
const pollEvery = 3000;
const longestPause = 15000;
const types = ['hello', 'metrics', 'provider', 'request', 'alert', 'config', 'ping'];

export class Feed {
	// receive gets every message {type, data}; status gets 'connecting', 'live', 'polling' or 'offline'.
	constructor(receive, status) {
		Object.assign(this, {receive, status, running: false, failures: 0, refused: 0, timers: {}});
		document.addEventListener('visibilitychange', () => this.seen());
	}

	start() {
		if (this.running) return;
		Object.assign(this, {running: true, failures: 0, refused: 0});
		this.connect();
	}

	stop() {
		this.running = false;
		this.drop();
		for (const name in this.timers) clearTimeout(this.timers[name]);
	}

	drop() {
		const close = this.close;
		this.close = null;
		clearTimeout(this.timers.silence);
		if (close) close();
	}

	after(name, delay, f) {
		clearTimeout(this.timers[name]);
		this.timers[name] = setTimeout(f, delay);
	}

	// seen follows the page's visibility: away for a minute costs the gateway nothing.
	seen() {
		if (!this.running) return;
		if (document.hidden) {
			this.after('hidden', hiddenFor, () => {this.drop(); clearTimeout(this.timers.again); this.asleep = true;});
			return;
		}
		clearTimeout(this.timers.hidden);
		if (this.asleep) {this.asleep = false; this.failures = 0; this.connect();}
	}

	connect() {
		if (!this.running || this.asleep) return;
		this.drop();
		if (this.failures === 0) this.status('connecting');
		if (this.refused < 2) this.socket();
		else if (this.refused < 4) this.events();
		else this.poll();
	}

	// opened and failed are what every transport reports.
	opened(name) {
		Object.assign(this, {failures: 0, refused: name === 'socket' ? 0 : this.refused});
		this.status('live');
	}

	failed(wasOpen) {
		this.drop();
		if (!this.running) return;
		this.failures++;
		if (!wasOpen) this.refused++;
		if (this.failures > 1) this.status('offline');
		const pause = Math.min(longestPause, 400 * 2 ** Math.min(this.failures, 6)) * (0.5 + Math.random() / 2);
		this.after('again', pause, () => this.check());
	}

	// check asks first: a feed that was refused cannot say that the session has ended.
	async check() {
		try {
			await get('meta');
			this.connect();
		} catch (e) {
			if (e.status === 0) this.refused = 0;
			if (e.status !== 401) this.failed(true);
		}
	}

	heard(text) {
		this.after('silence', silence, () => this.failed(true));
		let message;
		try {message = JSON.parse(text);} catch {return;}
		this.receive(message);
	}

	socket() {
		const url = new URL('ws', location.href.split('#')[0]);
		url.protocol = url.protocol === 'https:' ? 'wss:' : 'ws:';
		let open = false;
		const ws = new WebSocket(url);
		this.close = () => {ws.onclose = ws.onmessage = ws.onopen = null; ws.close();};
		this.after('silence', silence, () => this.failed(open));
		ws.onopen = () => {open = true; this.opened('socket');};
		ws.onmessage = m => this.heard(m.data);
		ws.onclose = () => this.failed(open);
	}

	events() {
		const source = new EventSource('api/events');
		let open = false;
		this.close = () => source.close();
		this.after('silence', silence, () => this.failed(open));
		source.onopen = () => {open = true; this.opened('events');};
		for (const type of types) source.addEventListener(type, m => this.heard(m.data));
		source.onerror = () => this.failed(open);
	}

	// poll reads what the Overview needs; every minute the better ways are tried again.
	poll() {
		let stopped = false;
		const until = Date.now() + 60000;
		this.close = () => {stopped = true;};
		const turn = async () => {
			try {
				const [metrics, providers] = await Promise.all([get('metrics?window=1m'), get('providers')]);
				if (stopped) return;
				this.failures = 0;
				this.status('polling');
				this.receive({type: 'metrics', data: metrics});
				for (const p of providers.providers) this.receive({type: 'provider', data: p});
			} catch {
				if (!stopped) this.failed(true);
				return;
			}
			if (Date.now() > until) {this.refused = 0; this.connect(); return;}
			this.after('poll', pollEvery, () => stopped || turn());
		};
		turn();
	}
}
