/**
 * Owns durations as people write them (`7d`, `10m`, `1h30m`, `250ms`) and as people read them.
 * Promises milliseconds inside, text only at the edges.
 * Pure.
 */

const unitsMs = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000, w: 604_800_000 } as const;

/** Milliseconds of `7d`, `1h30m`, `1h 30m`, `250ms`; undefined for anything else. A bare number has no unit and is refused. */
export function parseDuration(text: string): number | undefined {
	if (!/^\d+(\.\d+)?(ms|s|m|h|d|w)( ?\d+(\.\d+)?(ms|s|m|h|d|w))*$/.test(text)) return undefined;
	let total = 0;
	for (const [, amount, unit] of text.matchAll(/(\d+(?:\.\d+)?)(ms|s|m|h|d|w)/g)) {
		total += Number(amount) * unitsMs[unit as keyof typeof unitsMs];
	}
	return Number.isSafeInteger(Math.round(total)) ? Math.round(total) : undefined;
}

/** The two largest units of a duration: `3d 4h`, `2m 10s`, `850ms`. */
export function formatDuration(ms: number): string {
	if (Math.round(ms) < 1000) return `${Math.max(0, Math.round(ms))}ms`;
	const parts: string[] = [];
	let rest = Math.round(ms / 1000) * 1000;
	for (const unit of ['d', 'h', 'm', 's'] as const) {
		const amount = Math.floor(rest / unitsMs[unit]);
		rest -= amount * unitsMs[unit];
		if (amount > 0) parts.push(`${amount}${unit}`);
		else if (parts.length > 0) break;
		if (parts.length === 2) break;
	}
	return parts.join(' ');
}

/** All of a duration, so that {@link parseDuration} reads the same: `1h30m`. */
export function exactDuration(ms: number): string {
	let rest = Math.max(0, Math.round(ms));
	const parts: string[] = [];
	for (const unit of ['d', 'h', 'm', 's', 'ms'] as const) {
		const amount = Math.floor(rest / unitsMs[unit]);
		rest -= amount * unitsMs[unit];
		if (amount > 0) parts.push(`${amount}${unit}`);
	}
	return parts.length === 0 ? '0ms' : parts.join('');
}
