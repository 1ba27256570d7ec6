/**
 * Owns time zones: how far a zone's clocks are from UTC at any moment, when that changes, and which moment a written time means.
 * Promises that a written time which does not exist is shifted by the gap, and that of one which exists twice the first is meant.
 * Pure; the rules are those of the runtime's own data (IANA, through Intl).
 */

import { rfc3339 } from '../base/clock.ts';
import { StewardError } from '../base/errors.ts';

const dayMs = 86_400_000;
/** More than the runtime has: names may be written in small letters as well. */
const mostZones = 1000;

/** A stretch of time in which the distance to UTC stays the same. All in milliseconds; `from` and `to` since the epoch. */
export type Stretch = {
	/** When the clocks were last changed; or a moment since when they were not, two days before the turn of a year. */
	readonly from: number;
	/** The first moment that is not in it any more. */
	readonly to: number;
	/** Local time less UTC. */
	readonly offset: number;
	/** The same, in the last moment before `from`. */
	readonly before: number;
};

export class Zone {
	readonly name: string;
	readonly #format: Intl.DateTimeFormat;
	readonly #years = new Map<number, readonly Stretch[]>();

	private constructor(name: string) {
		this.name = name;
		this.#format = new Intl.DateTimeFormat('en-US', { timeZone: name, timeZoneName: 'longOffset' });
	}

	static readonly #known = new Map<string, Zone>();

	/** @throws StewardError `invalid` for a name that the runtime does not know. */
	static of(name: string): Zone {
		const known = Zone.#known.get(name);
		if (known) return known;
		if (!isTimeZone(name)) throw new StewardError('invalid', `timeZone: ${timeZoneRule}, got "${name}"`);
		const zone = new Zone(name);
		if (Zone.#known.size >= mostZones) Zone.#known.clear();
		Zone.#known.set(name, zone);
		return zone;
	}

	/** Whether it was asked for before. */
	static isKnown(name: string): boolean {
		return Zone.#known.has(name);
	}

	/** Local time less UTC at `at`, milliseconds. */
	offsetAt(at: number): number {
		return this.stretchAt(at).offset;
	}

	/** The stretch that `at` is in; the turn of a year ends one as well. */
	stretchAt(at: number): Stretch {
		const found = this.#yearOf(at).find(({ from, to }) => at >= from && at < to);
		if (!found) throw new RangeError(`no time zone knows the moment ${at}`);
		return found;
	}

	/** The moment that the zone's clocks show `wall` (local time, as if it were UTC). */
	momentOf(wall: number): number {
		// No zone is farther than a day from UTC: the clocks showed less before that, and more after.
		let stretch = this.stretchAt(wall - 2 * dayMs);
		while (wall - stretch.offset >= stretch.to) {
			const next = this.stretchAt(stretch.to);
			if (next.offset > stretch.offset && wall - next.offset < next.from) return wall - stretch.offset;
			stretch = next;
		}
		return wall - stretch.offset;
	}

	#yearOf(at: number): readonly Stretch[] {
		const year = new Date(at).getUTCFullYear();
		const known = this.#years.get(year);
		if (known) return known;
		const stretches = this.#stretchesOf(year);
		this.#years.set(year, stretches);
		return stretches;
	}

	#stretchesOf(year: number): readonly Stretch[] {
		// A little of the year before: what follows from a change (up to a day) may reach over the turn of the year.
		const [start, end] = [Date.UTC(year) - 2 * dayMs, Date.UTC(year + 1)];
		const stretches: Stretch[] = [];
		let from = start;
		let before = this.#readOffset(start - 1);
		let offset = this.#readOffset(start);
		for (let day = start; day < end; day += dayMs) {
			const next = Math.min(day + dayMs, end - 1);
			const changed = this.#readOffset(next);
			if (changed === offset) continue;
			const at = this.#changeWithin(day, next);
			stretches.push({ from, to: at, offset, before });
			before = offset;
			from = at;
			offset = changed;
		}
		return [...stretches, { from, to: end, offset, before }].filter(({ to }) => to > Date.UTC(year));
	}

	/** The first moment after `low` that is as far from UTC as `high` is. */
	#changeWithin(low: number, high: number): number {
		const wanted = this.#readOffset(high);
		let [same, changed] = [low, high];
		while (changed - same > 1) {
			const middle = Math.floor((same + changed) / 2);
			if (this.#readOffset(middle) === wanted) changed = middle;
			else same = middle;
		}
		return changed;
	}

	#readOffset(at: number): number {
		const text = this.#format.format(at);
		const [, sign, hours, minutes = '0', seconds = '0'] =
			/GMT(?:([+-])(\d\d):(\d\d)(?::(\d\d))?)?$/.exec(text) ?? [];
		const size = (Number(hours ?? 0) * 3600 + Number(minutes) * 60 + Number(seconds)) * 1000;
		return sign === '-' ? -size : size;
	}
}

export const timeZoneRule = 'expected an IANA time zone such as Europe/Oslo or UTC';

export function isTimeZone(name: string): boolean {
	// To ask the runtime takes a tenth of a millisecond.
	if (Zone.isKnown(name)) return true;
	// Plain offsets have no rules, and some runtimes take them.
	if (!/^[A-Za-z]/.test(name)) return false;
	try {
		return new Intl.DateTimeFormat('en-US', { timeZone: name }) !== undefined;
	} catch {
		return false;
	}
}

const writtenTime =
	/^(\d{4})-(\d\d)-(\d\d)(?:[T ](\d\d):(\d\d)(?::(\d\d)(?:\.(\d{1,3}))?)?)?(Z|[+-]\d\d:\d\d)?$/;

export const timeRule = 'expected a time such as 2026-12-24T08:00 (in the time zone) or 2026-12-24T07:00:00Z';

/**
 * The moment that a written time means, milliseconds since the epoch: with `Z` or an offset that very one, else in the zone; a day
 * alone is its midnight. Undefined for what is no time.
 */
export function parseTime(text: string, timeZone: string): number | undefined {
	const [, year, month, day, hour = '0', minute = '0', second = '0', fraction = '0', offset] =
		writtenTime.exec(text) ?? [];
	if (year === undefined) return undefined;
	const [y, m, d, h, min, s] = [year, month, day, hour, minute, second].map(Number) as [
		number,
		number,
		number,
		number,
		number,
		number,
	];
	const wall = Date.UTC(y, m - 1, d, h, min, s, Number(fraction.padEnd(3, '0')));
	const read = new Date(wall);
	// The 31st of February would be a day in March.
	const isDay = y >= 1970 && read.getUTCMonth() === m - 1 && read.getUTCDate() === d;
	if (!isDay || h > 23 || min > 59 || s > 59) return undefined;
	if (offset === 'Z') return wall;
	if (offset === undefined) return Zone.of(timeZone).momentOf(wall);
	const [, sign, hours, minutes] = /^([+-])(\d\d):(\d\d)$/.exec(offset) ?? [];
	if (Number(hours) > 23 || Number(minutes) > 59) return undefined;
	const size = (Number(hours) * 60 + Number(minutes)) * 60_000;
	return sign === '-' ? wall + size : wall - size;
}

/** A moment as the clocks of a zone show it: `2026-12-24T08:00:00+01:00`. */
export function localTime(at: number, timeZone: string): string {
	const offset = Zone.of(timeZone).offsetAt(at);
	const minutes = Math.round(Math.abs(offset) / 60_000);
	const two = (value: number) => String(value).padStart(2, '0');
	const sign = offset < 0 ? '-' : '+';
	const wall = rfc3339(at + offset).slice(0, 19);
	return `${wall}${sign}${two(Math.floor(minutes / 60))}:${two(minutes % 60)}`;
}
