/**
 * Owns a second opinion on cron: what an expression means, found by looking at the clocks of a zone moment by moment.
 * Promises to share nothing with the product: the clocks are those of Intl, and the expression's text is read here.
 * Looks at each hour's two ends, and at each minute of an hour in which they differ.
 */

const [secondMs, minuteMs, hourMs, dayMs] = [1000, 60_000, 3_600_000, 86_400_000];
export const stepMs = { second: secondMs, minute: minuteMs } as const;

/** What the clocks of a zone show, in milliseconds as if it were UTC. */
export class Clocks {
	readonly #format: Intl.DateTimeFormat;
	readonly #offsets = new Map<number, number>();
	readonly #hours = new Map<number, number | readonly number[]>();
	#last: { readonly hour: number; readonly offset: number | readonly number[] } = { hour: -1, offset: 0 };

	constructor(timeZone: string) {
		this.#format = new Intl.DateTimeFormat('en-US', {
			...{ timeZone, hourCycle: 'h23', year: 'numeric', month: 'numeric', day: 'numeric' },
			...{ hour: 'numeric', minute: 'numeric', second: 'numeric' },
		});
	}

	/** `at` is a whole second. */
	wallAt(at: number): number {
		const hour = Math.floor(at / hourMs);
		if (hour !== this.#last.hour) this.#last = { hour, offset: this.#hours.get(hour) ?? this.#lookAt(hour) };
		const { offset } = this.#last;
		return at + (typeof offset === 'number' ? offset : (offset[Math.floor((at % hourMs) / minuteMs)] ?? 0));
	}

	/** The hours of a year in which the clocks are changed. */
	changesIn(year: number): number[] {
		const isChanged = (length: number) => (at: number) => this.#offsetAt(at) !== this.#offsetAt(at + length);
		const parts = (from: number, to: number, length: number) =>
			Array.from({ length: (to - from) / length }, (_, index) => from + index * length);
		const days = parts(Date.UTC(year), Date.UTC(year + 1), dayMs).filter(isChanged(dayMs));
		return days.flatMap((day) => parts(day, day + dayMs, hourMs).filter(isChanged(hourMs)));
	}

	#lookAt(hour: number): number | readonly number[] {
		const [first, last] = [this.#offsetAt(hour * hourMs), this.#offsetAt((hour + 1) * hourMs)];
		const minutes = () =>
			Array.from({ length: 60 }, (_, minute) => this.#offsetAt(hour * hourMs + minute * minuteMs));
		const seen = first === last ? first : minutes();
		this.#hours.set(hour, seen);
		return seen;
	}

	#offsetAt(at: number): number {
		const known = this.#offsets.get(at);
		if (known !== undefined) return known;
		const shown = Object.fromEntries(
			this.#format.formatToParts(at).map(({ type, value }) => [type, Number(value)]),
		);
		const { year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0 } = shown;
		const offset = Date.UTC(year, month - 1, day, hour, minute, second) - at;
		this.#offsets.set(at, offset);
		return offset;
	}
}

const monthNames = ['', 'jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec'];
const dayNames = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'];

function read(field: string, lowest: number, highest: number, names: readonly string[] = []): Set<number> {
	const numberIn = (text: string) =>
		names.includes(text.toLowerCase()) ? names.indexOf(text.toLowerCase()) : Number(text);
	const meant = new Set<number>();
	for (const item of field.split(',')) {
		const [range = '', step] = item.split('/');
		const [from = '', to] = range.split('-');
		const first = from === '*' || from === '?' ? lowest : numberIn(from);
		const isOpen = from === '*' || from === '?' || (step !== undefined && to === undefined);
		const last = isOpen ? highest : numberIn(to ?? from);
		for (let value = first; value <= last; value += Number(step ?? 1)) meant.add(value);
	}
	return meant;
}

type Reading = { readonly isRealTime: boolean; readonly matches: (wall: number) => boolean };

/** An expression of five or six fields. */
function readExpression(expression: string): Reading {
	const words = expression.split(' ');
	const [second = '', minute = '', hour = '', day = '', month = '', weekday = ''] =
		words.length === 6 ? words : ['0', ...words];
	const [seconds, minutes, hours] = [read(second, 0, 59), read(minute, 0, 59), read(hour, 0, 23)];
	const months = read(month, 1, 12, monthNames);
	const isAny = (field: string) => field === '*' || field === '?';
	const days = new Map<number, boolean>();
	const meansDay = (number: number) => {
		const date = new Date(number * dayMs);
		if (!months.has(date.getUTCMonth() + 1)) return false;
		const [isDay, isWeekday] = [
			day.split(',').some(isThisDay(date)),
			weekday.split(',').some(isThisWeekday(date)),
		];
		if (isAny(day) || isAny(weekday)) return isDay && isWeekday;
		return isDay || isWeekday;
	};
	return {
		isRealTime: isAny(hour) || hour.includes('/') || hours.size === 24,
		matches(wall) {
			if (!minutes.has(Math.floor(wall / minuteMs) % 60)) return false;
			const time = Math.floor((wall % dayMs) / secondMs);
			if (!hours.has(Math.floor(time / 3600)) || !seconds.has(time % 60)) return false;
			const number = Math.floor(wall / dayMs);
			const known = days.get(number) ?? meansDay(number);
			days.set(number, known);
			return known;
		},
	};
}

/** Whether the same day so many weeks or days later is in the same month. */
function isSameMonth(date: Date, days: number): boolean {
	return new Date(date.getTime() + days * dayMs).getUTCMonth() === date.getUTCMonth();
}

const isThisDay = (date: Date) => (item: string) =>
	item === 'L' ? !isSameMonth(date, 1) : read(item, 1, 31).has(date.getUTCDate());

const isThisWeekday = (date: Date) => (item: string) => {
	const isMeant = (text: string) =>
		[...read(text, 0, 7, dayNames)].some((day) => day % 7 === date.getUTCDay());
	if (item.endsWith('L')) return isMeant(item.slice(0, -1)) && !isSameMonth(date, 7);
	const [name = '', nth] = item.split('#');
	if (nth === undefined) return isMeant(item);
	return (
		isMeant(name) &&
		!isSameMonth(date, -7 * Number(nth)) &&
		(nth === '1' || isSameMonth(date, -7 * (Number(nth) - 1)))
	);
};

/** Every moment from `from` on and before `to`, which are whole steps apart; the clocks are followed from `lead` earlier on. */
export function momentsOf(
	expression: string,
	clocks: Clocks,
	{ from, to, step, lead }: { from: number; to: number; step: number; lead: number },
): number[] {
	const { isRealTime, matches } = readExpression(expression);
	const moments = new Set<number>();
	let shown = clocks.wallAt(from - lead - step);
	for (let at = from - lead; at < to; at += step) {
		const wall = clocks.wallAt(at);
		if (isRealTime || wall > shown) {
			if (matches(wall)) moments.add(at);
		}
		if (!isRealTime) {
			// What was left out comes as if the clocks had gone on.
			for (let left = shown + step; left < wall; left += step)
				if (matches(left)) moments.add(at + left - shown - step);
		}
		shown = Math.max(shown, wall);
	}
	return [...moments].filter((at) => at >= from && at < to).sort((one, other) => one - other);
}
