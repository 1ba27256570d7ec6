/**
 * Owns what a look at one thing found, and how a list of that reads.
 * Promises that what is wrong comes with the next step.
 * Pure.
 */

import { oneLine } from '../../base/text.ts';
import type { Screen } from './screen.ts';

export type Finding = {
	/** What was looked at. */
	readonly check: string;
	readonly level: 'ok' | 'warning' | 'problem';
	readonly text: string;
	/** What to do about it. */
	readonly next?: string;
};

/** Before their end, certificates and credentials are warned of for so long. */
export const warnBeforeMs = 30 * 86_400_000;

const styleOf = { ok: 'green', warning: 'yellow', problem: 'red' } as const;

export function printFindings(screen: Screen, findings: readonly Finding[]): void {
	const width = Math.max(...findings.map(({ check }) => check.length));
	for (const { check, level, text, next } of findings) {
		screen.line(`${screen.paint(styleOf[level], level.padEnd(7))}  ${check.padEnd(width)}  ${oneLine(text)}`);
		if (next !== undefined) screen.line(`${' '.repeat(width + 11)}${screen.paint('dim', oneLine(next))}`);
	}
}

/** What a span of time means now. */
export function spanFinding(
	check: string,
	what: string,
	{ from, until }: { from: number; until: number | undefined },
	{ nowMs, next }: { nowMs: number; next: string },
): Finding {
	const day = (ms: number) => new Date(ms).toISOString().slice(0, 16).replace('T', ' ');
	if (from > nowMs) {
		const text = `${what} counts from ${day(from)} UTC on only: is the clock of this machine right?`;
		return { check, level: 'problem', text };
	}
	if (until === undefined) return { check, level: 'ok', text: `${what} counts until it is revoked` };
	if (until <= nowMs) return { check, level: 'problem', text: `${what} ended at ${day(until)} UTC`, next };
	const level = until - nowMs < warnBeforeMs ? 'warning' : 'ok';
	return {
		check,
		level,
		text: `${what} counts until ${day(until)} UTC`,
		...(level === 'warning' && { next }),
	};
}
