import { expect, test } from 'vitest';
import { UplinkWatch } from '../../src/central/uplink-watch.ts';
import { goodStanding, type Standing } from '../../src/domain/standing.ts';
import { recordingLog } from '../support/log.ts';

/** A watch over standings in memory; `span` ends one of a second with so much said. */
function watching(loudPerSecond: number) {
	let now = 0;
	const standings = new Map<string, Standing>();
	const log = recordingLog();
	const watch = new UplinkWatch({
		index: { standings },
		standings: {
			change: async (node, change) => {
				const next = change(standings.get(node) ?? goodStanding);
				standings.set(node, next);
				return next;
			},
		},
		...{ loudPerSecond, monotonic: () => now, serverNow: () => now, log },
	});
	const span = (said: Record<string, number>) => {
		for (const [subject, count] of Object.entries(said))
			for (let n = 0; n < count; n += 1) watch.note(subject);
		now += 1000;
		return watch.runOnce();
	};
	return { span, log, loud: (node: string) => standings.get(node)?.loud ?? null };
}

test.each([
	'steward.report.ship1.a',
	'steward.claim.ship1.a',
	'steward.intake.ship2.ship1.event.m',
	'steward.state.ship1',
])('who goes on too loud on %s is told of by name, and taken back when it is quiet', async (subject) => {
	const { span, loud, log } = watching(100);
	await span({ [subject]: 150, 'steward.report.ship3.a': 99 });
	await span({ [subject]: 150, 'steward.report.ship3.a': 99 });
	expect(loud('ship1')).toBe(null);
	await span({ [subject]: 250, 'steward.report.ship3.a': 99 });
	expect(loud('ship1')).toEqual({ perSecond: 250, at: 3000 });
	expect(log.lines.filter(({ level }) => level === 'error')).toHaveLength(1);
	expect([loud('ship2'), loud('ship3')]).toEqual([null, null]);
	expect(await span({})).toBe(1);
	expect(loud('ship1')).toBe(null);
	expect(await span({})).toBe(0);
});

test('a burst after a long absence is not told of, nor who has no name', async () => {
	const { span, loud } = watching(100);
	await span({ 'steward.report.ship1.a': 5000 });
	await span({ 'steward.report.ship1.a': 5000 });
	await span({ 'steward.report.ship1.a': 10 });
	await span({ 'steward.report.ship1.a': 5000 });
	for (let spans = 0; spans < 4; spans += 1)
		await span({ 'steward.intake.ship1._raw.event.m': 500, nonsense: 500 });
	expect([loud('ship1'), loud('_raw')]).toEqual([null, null]);
});
