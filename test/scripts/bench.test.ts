import { describe, expect, it } from 'vitest';
import { judge, median, ratioOf, summaryOf } from '../../scripts/bench/figures.mjs';
import { readOptions } from '../../scripts/bench/options.mjs';
import { besideEarlier, digits, markdownOf } from '../../scripts/bench/report.mjs';

const valuesOf = (values: Record<string, (number | undefined)[]>) => (_: string, __: string, peer: string) =>
	values[peer] ?? [];
const target = { work: 'A', figure: '64 callers', least: 1, of: 'bullmq' };

describe('figures of a bench', () => {
	it('takes the middle one, and of an even number the mean of the middle two', () => {
		expect(median([9, 1, 5])).toBe(5);
		expect(median([9, 1, 5, 7])).toBe(6);
		expect(median([])).toBeUndefined();
	});

	it('sums up the rounds that were measured, and says how many', () => {
		expect(summaryOf([3, undefined, 1])).toEqual({ median: 2, min: 1, max: 3, rounds: 2 });
		expect(summaryOf([undefined])).toBeUndefined();
	});

	it('compares rounds with their own round, not medians with medians', () => {
		// A machine that was busy in the first round is no advantage for anybody.
		expect(ratioOf([10, 100, 100], [20, 200, 50])).toBe(0.5);
		expect(ratioOf([10, undefined, 30], [undefined, 20, 10])).toBe(3);
		expect(ratioOf([10], [])).toBeUndefined();
	});

	it('meets a target only where it was measured', () => {
		expect(judge(target, valuesOf({ steward: [2, 2], bullmq: [1, 2] }))).toMatchObject({
			value: 1.5,
			met: true,
		});
		expect(judge(target, valuesOf({ steward: [1], bullmq: [2] }))).toMatchObject({ value: 0.5, met: false });
		expect(judge(target, valuesOf({ steward: [1] }))).toMatchObject({ value: undefined, met: false });
		const most = { work: 'C', figure: 'node idle', most: 100 };
		expect(judge(most, valuesOf({ steward: [101, 99, 102] }))).toMatchObject({ value: 101, met: false });
	});
});

describe('the report of a bench', () => {
	const report = {
		...{ startedAt: '2026-11-23T05:00:00.000Z', tookMs: 60_000, machine: { processor: '2 x one' } },
		options: { rounds: 2, size: 'whole' as const },
		tiers: {
			strict: {
				A: {
					steward: [{ figures: { '64 callers': 3000 } }, { error: 'Error: gone\n    at somewhere' }],
					bullmq: [{ figures: { '64 callers': 12_000 } }, { figures: { '64 callers': 11_000 } }],
					protocol: [{ figures: { '64 callers': 6000 } }],
				},
			},
		},
	};

	it('tells every target: met, not met, or not measured', () => {
		const text = markdownOf(report);
		expect(text).toContain(
			'| A | 64 callers | at least 1 x bullmq | 0.25 | 0.5 | NOT MET, nor by its messages alone |',
		);
		expect(text).toContain('| I | one an event | at least 20,000 /s | - | - | NOT MEASURED |');
	});

	it('tells what its messages alone would reach from what they do not either', () => {
		const judged = (protocol: number[]) => judge(target, valuesOf({ steward: [1], bullmq: [2], protocol }));
		expect(judged([3])).toMatchObject({ met: false, alone: 1.5, isWithinReach: true });
		expect(judged([1])).toMatchObject({ met: false, alone: 0.5, isWithinReach: false });
		expect(judged([])).toMatchObject({ met: false, alone: undefined, isWithinReach: true });
	});

	it('tells what failed, and that the round is missing', () => {
		const text = markdownOf(report);
		expect(text).toContain('- steward, round 2 failed: Error: gone');
		expect(text).toContain('| 64 callers, /s | steward | 3,000 | 3,000 | 3,000 | 1 | 1 |');
		expect(text).toContain('| 64 callers, /s | bullmq | 11,500 | 11,000 | 12,000 | 2 | 0.25 |');
	});

	it('tells the works of an earlier run beside its own, when they were measured and what was different', () => {
		const rounds = (value: number) => ({
			strict: { I: { steward: [{ figures: { 'one an event': value } }] } },
		});
		const earlier = {
			...{ ...report, startedAt: '2026-11-22T05:00:00.000Z', machine: { processor: '2 x one', load: '3.1' } },
			tiers: { strict: { ...report.tiers.strict, ...rounds(1).strict } },
		};
		const again = { ...report, machine: { processor: '2 x one', load: '0.2' }, tiers: rounds(25_000) };
		const both = besideEarlier(again, earlier);
		expect(both.tiers.strict).toEqual({ A: report.tiers.strict.A, I: rounds(25_000).strict.I });
		const text = markdownOf(both);
		expect(text).toContain('\nA: of the run that began 2026-11-22T05:00:00.000Z, load 3.1.\n');
		expect(text).toContain('| I | one an event | at least 20,000 /s | 25,000 | - | met |');
		expect(text).toContain('| A | 64 callers | at least 1 x bullmq | 0.25 |');
		// What was told beside it keeps its own day.
		expect(besideEarlier({ ...again, tiers: { strict: {} } }, both).measured).toMatchObject({
			A: { startedAt: '2026-11-22T05:00:00.000Z' },
			I: { startedAt: '2026-11-23T05:00:00.000Z' },
		});
		const quick = { ...earlier, options: { rounds: 1, size: 'quick' as const } };
		expect(() => besideEarlier(again, quick)).toThrow(/--beside: a report of the size quick, not whole/);
	});

	it('shows what several can do side by side', () => {
		expect(markdownOf(report)).toContain(
			['|  | steward | bullmq | protocol |', '| --- | ---: | ---: | ---: |', ''].join('\n') +
				'| A: 64 callers, /s | 3,000 (3,000–3,000) | 11,500 (11,000–12,000) | 6,000 (6,000–6,000) |',
		);
	});

	it('writes three digits, and never rounds away what is before the point', () => {
		expect([11_723, 2.3149, 0.08612, 101.4, undefined].map(digits)).toEqual([
			'11,723',
			'2.31',
			'0.0861',
			'101',
			'-',
		]);
	});
});

describe('the command line of a bench', () => {
	it('measures everything, five times, in both tiers, where nothing is said', () => {
		const { work, peers, tier, rounds, size } = readOptions([]);
		expect([work.join(''), peers.length, tier, rounds, size]).toEqual([
			'ABCDEFGHIJ',
			7,
			['strict', 'relaxed'],
			5,
			'whole',
		]);
	});

	it('has a short form of which single options are changed', () => {
		expect(readOptions(['--quick', '--work', 'A'])).toMatchObject({
			...{ work: ['A'], peers: ['steward', 'raw', 'plain'], tier: ['strict'], rounds: 1, size: 'quick' },
		});
	});

	it.each([
		[['--work', 'A,Z']],
		[['--peers', 'kafka']],
		[['--tier', 'fast']],
		[['--rounds', '0']],
		[['--no']],
	])('refuses %j before it measures anything', (args) => expect(() => readOptions(args)).toThrow(TypeError));
});
