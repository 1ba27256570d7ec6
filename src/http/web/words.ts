/**
 * Owns how times, durations and amounts are said on the pages.
 * Promises few characters and one unit where one is enough, the same words everywhere, and nothing made up where nothing is known.
 * Pure.
 */

const second = 1000;
const minute = 60 * second;
const hour = 60 * minute;
const day = 24 * hour;
const year = 365 * day;

/** One unit, rounded down: `8 s`, `3 min`, `5 h`, `12 d`, `3 y`. */
export function shortDuration(ms: number): string {
	const size = Math.max(0, ms);
	if (size < minute) return `${Math.floor(size / second)} s`;
	if (size < hour) return `${Math.floor(size / minute)} min`;
	if (size < 2 * day) return `${Math.floor(size / hour)} h`;
	if (size < 2 * year) return `${Math.floor(size / day)} d`;
	return `${Math.floor(size / year)} y`;
}

/** Two units, for one that is read: `850 ms`, `3.2 s`, `2 min 10 s`, `3 d 4 h`. */
export function longDuration(ms: number): string {
	const size = Math.max(0, Math.round(ms));
	if (size < second) return `${size} ms`;
	if (size < 10 * second) return `${(Math.floor(size / 100) / 10).toFixed(1)} s`;
	if (size < minute) return `${Math.floor(size / second)} s`;
	const [large, largeName, small, smallName] =
		size < hour
			? ([minute, 'min', second, 's'] as const)
			: size < day
				? ([hour, 'h', minute, 'min'] as const)
				: ([day, 'd', hour, 'h'] as const);
	const rest = Math.floor((size % large) / small);
	return `${Math.floor(size / large)} ${largeName}${rest === 0 ? '' : ` ${rest} ${smallName}`}`;
}

/** As {@link longDuration}, of what is counted by the second. */
export function wholeSeconds(ms: number): string {
	return ms < minute ? shortDuration(ms) : longDuration(ms);
}

/** How long ago, or how far ahead: `now`, `8 s ago`, `in 3 min`. Days that are to come are rounded: a week less a minute is `in 7 d`. */
export function relative(at: number, now: number): string {
	const ago = now - at;
	if (Math.abs(ago) < second) return 'now';
	if (ago > 0) return `${shortDuration(ago)} ago`;
	return `in ${shortDuration(-ago + (-ago < 2 * day ? second - 1 : day / 2))}`;
}

/** The time in the browser's zone, as one reads it: `2026-11-23 02:21:38 UTC+1`. */
export function absolute(at: number): string {
	const date = new Date(at);
	if (Number.isNaN(date.getTime())) return 'not a time';
	const two = (amount: number) => String(amount).padStart(2, '0');
	const offset = -date.getTimezoneOffset();
	const zone =
		offset === 0
			? 'UTC'
			: `UTC${offset > 0 ? '+' : '−'}${Math.floor(Math.abs(offset) / 60)}${offset % 60 === 0 ? '' : `:${two(Math.abs(offset) % 60)}`}`;
	return `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())} ${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())} ${zone}`;
}

/** A clock's difference with its sign: `+12 ms`, `−3.4 s`; what is below half a millisecond is `0 ms`. */
export function offsetWords(ms: number): string {
	const size = Math.abs(ms);
	if (size < 0.5) return '0 ms';
	return `${ms > 0 ? '+' : '−'}${size < minute ? longDuration(size) : shortDuration(size)}`;
}

const grouped = new Intl.NumberFormat('en-GB');

/** `10,000`. */
export function count(amount: number): string {
	return grouped.format(amount);
}

/** `1 node`, `3 nodes`. */
export function plural(amount: number, one: string, many = `${one}s`): string {
	return `${count(amount)} ${amount === 1 ? one : many}`;
}

/** Of a state's or a cause's name: `timedOut` is `timed out`. */
export function spaced(name: string): string {
	return name.replace(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`);
}

/** `1.5 MB`. */
export function bytes(amount: number): string {
	if (amount < 1000) return `${amount} B`;
	const units = ['kB', 'MB', 'GB', 'TB'];
	let size = amount;
	let unit = 'B';
	for (const next of units) {
		if (size < 1000) break;
		size /= 1000;
		unit = next;
	}
	return `${size < 10 ? size.toFixed(1) : Math.round(size)} ${unit}`;
}
