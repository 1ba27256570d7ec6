/**
 * Owns the picture of what will fire: ticks of several schedules on one stretch of time.
 * Promises that ticks too dense to be told apart are one band, and that where nobody asked further it says so instead of showing none.
 * Pure.
 */

type TickMark =
	| { readonly kind: 'tick'; readonly at: number; readonly left: number }
	| {
			readonly kind: 'band';
			readonly from: number;
			readonly to: number;
			readonly left: number;
			readonly width: number;
			readonly count: number;
	  };

export type TickLine = {
	readonly marks: readonly TickMark[];
	/** From here on (0 to 1) nothing is known; undefined where all is. */
	readonly unknownFrom: number | undefined;
};

/** Closer than this share of the picture, and marks would touch. */
const closest = 0.008;

/**
 * @param ticks Moments in order, milliseconds. @param complete There are no further ones: the schedule ends, or all were asked for.
 */
export function tickLine(
	ticks: readonly number[],
	{ from, spanMs, complete }: { readonly from: number; readonly spanMs: number; readonly complete: boolean },
): TickLine {
	const within = ticks.filter((at) => at >= from && at <= from + spanMs);
	const share = (at: number) => (at - from) / spanMs;
	const groups: number[][] = [];
	for (const at of within) {
		const last = groups.at(-1);
		if (last && share(at) - share(last.at(-1) ?? 0) < closest) last.push(at);
		else groups.push([at]);
	}
	const marks = groups.map((group): TickMark => {
		const [first = 0, end = first] = [group[0], group.at(-1)];
		if (group.length === 1) return { kind: 'tick', at: first, left: share(first) };
		return {
			kind: 'band',
			from: first,
			to: end,
			left: share(first),
			width: share(end) - share(first),
			count: group.length,
		};
	});
	const last = ticks.at(-1);
	const isShort = !complete && (last === undefined || last < from + spanMs);
	return { marks, unknownFrom: isShort ? share(Math.max(from, last ?? from)) : undefined };
}

/** Ticks of an interval, from its next one on. */
export function ticksOfInterval(next: number, everyMs: number, until: number, most: number): number[] {
	const count = Math.min(most, Math.max(0, Math.floor((until - next) / everyMs) + 1));
	return Array.from({ length: count }, (_, index) => next + index * everyMs);
}

/** Full hours of the browser's clock within the picture, at most about eight. */
export function hourMarks(
	from: number,
	spanMs: number,
): readonly { readonly at: number; readonly left: number }[] {
	const steps = [1, 2, 3, 4, 6, 12].find((hours) => spanMs / (hours * 3_600_000) <= 9) ?? 24;
	const first = new Date(from);
	first.setMinutes(0, 0, 0);
	first.setHours(Math.ceil((first.getHours() + 0.001) / steps) * steps);
	const marks: { at: number; left: number }[] = [];
	for (let at = first.getTime(); at <= from + spanMs; at += steps * 3_600_000) {
		if (at >= from) marks.push({ at, left: (at - from) / spanMs });
	}
	return marks;
}
