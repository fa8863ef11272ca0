// Numbers, money and times as people read them. Unknown is a dash everywhere.

export const dash = '–';
const known = v => v !== null && v !== undefined && !Number.isNaN(v);

const whole = new Intl.NumberFormat('en', {maximumFractionDigits: 0});
const compact = new Intl.NumberFormat('en', {notation: 'compact', maximumFractionDigits: 1});

// count writes 1 234 in full and larger numbers as 12.3K.
export function count(v) {
	if (!known(v)) return dash;
	return Math.abs(v) < 10000 ? whole.format(v) : compact.format(v);
}

export const exact = v => (known(v) ? whole.format(v) : dash);

// rate keeps two significant digits or more: 0.42, 4.2, 42, 4.2K.
export const rate = v => (!known(v) ? dash : v > 0 && v < 10 ? v.toFixed(v < 1 ? 2 : 1) : count(Math.round(v)));

// percent takes a share of one.
export function percent(v) {
	if (!known(v)) return dash;
	const p = v * 100;
	return p.toFixed(p >= 99.95 || p === 0 ? 0 : p >= 99 ? 2 : 1) + ' %';
}

// ms takes milliseconds and picks the unit.
export function ms(v) {
	if (!known(v)) return dash;
	if (v > 0 && v < 1) return '<1 ms';
	if (v < 1000) return Math.round(v) + ' ms';
	if (v < 60000) return (v / 1000).toFixed(v < 10000 ? 2 : 1) + ' s';
	return span(v / 1000);
}

// money takes millionths of a US dollar.
export function money(v) {
	if (!known(v)) return dash;
	const usd = v / 1e6;
	if (usd >= 10000) return '$' + compact.format(usd);
	return '$' + (usd >= 1 ? usd.toFixed(2) : usd && usd < 0.0001 ? '0.0001' : Number(usd.toPrecision(2)));
}

// span takes seconds: 42 s, 3 min, 2 h 5 min, 4 d.
export function span(sec) {
	if (!known(sec)) return dash;
	const t = Math.max(0, Math.round(sec));
	if (t < 60) return t + ' s';
	if (t < 3600) return Math.floor(t / 60) + ' min' + (t < 600 && t % 60 ? ' ' + (t % 60) + ' s' : '');
	if (t < 86400) return Math.floor(t / 3600) + ' h' + (t % 3600 >= 60 ? ' ' + Math.floor((t % 3600) / 60) + ' min' : '');
	return Math.floor(t / 86400) + ' d';
}

// countdown is the time until an instant, 0:42 or 1:02:03; empty once it is over.
export function countdown(until, now = Date.now()) {
	const left = Math.ceil((Date.parse(until) - now) / 1000);
	if (!(left > 0)) return '';
	const two = n => String(n).padStart(2, '0');
	const [hh, mm, ss] = [Math.floor(left / 3600), Math.floor((left % 3600) / 60), left % 60];
	if (hh >= 48) return span(left);
	return hh ? `${hh}:${two(mm)}:${two(ss)}` : `${mm}:${two(ss)}`;
}

export function ago(at, now = Date.now()) {
	const sec = (now - Date.parse(at)) / 1000;
	if (Number.isNaN(sec)) return dash;
	if (Math.abs(sec) < 5) return 'now';
	return sec < 0 ? 'in ' + span(-sec) : span(sec < 3600 && sec > 60 ? sec - (sec % 60) : sec) + ' ago';
}

const clockFormat = new Intl.DateTimeFormat('en-GB', {hour: '2-digit', minute: '2-digit', second: '2-digit'});
const shortFormat = new Intl.DateTimeFormat('en-GB', {hour: '2-digit', minute: '2-digit'});
const dayFormat = new Intl.DateTimeFormat('en-GB', {day: 'numeric', month: 'short'});
const fullFormat = new Intl.DateTimeFormat('en-GB', {dateStyle: 'medium', timeStyle: 'medium'});

const asDate = at => (typeof at === 'number' ? new Date(at * 1000) : new Date(at));
const written = format => at => {
	const d = asDate(at);
	return !at || Number.isNaN(d.getTime()) ? dash : format.format(d);
};

// These take an RFC 3339 text or seconds since 1970.
export const clock = written(clockFormat);
export const hourMinute = written(shortFormat);
export const day = written(dayFormat);
export const full = written(fullFormat);

// moment is the clock today and the date before.
export function moment(at) {
	const d = asDate(at);
	if (Number.isNaN(d.getTime())) return dash;
	return Date.now() - d.getTime() < 20 * 3600e3 ? clock(at) : day(at) + ' ' + hourMinute(at);
}

export const plural = (n, one, many = one + 's') => `${exact(n)} ${n === 1 ? one : many}`;

// show writes any configuration value on one line.
export function show(v) {
	if (v === undefined) return dash;
	return typeof v === 'string' ? v : JSON.stringify(v);
}
