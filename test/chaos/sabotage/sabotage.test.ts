import { describe, expect, test } from 'vitest';
import { isLong } from '../../support/long.ts';
import { tableText } from '../verdict.ts';
import { mutate, mutatedSources } from './mutant.ts';
import { mutations } from './mutations.ts';
import { least, runScenario, scenarios } from './scenarios.ts';

/**
 * The chaos runs are worth something only if they fail when the product is broken. Here it is: real builds of it, each with one
 * line of defence taken out, meet real faults, and the verdict must name what that line of defence is for.
 */

/** Of each kind the whole product and the first defence; the long form takes them out one after the other. */
const shortForm = 2;

/** Each is a world of its own, and starts several processes at once: as many at a time as there are kinds of them. */
describe.concurrent.each(Object.entries(scenarios))(
	'with one line of defence less, where %s',
	(_, ofKind) => {
		for (const [place, [title, scenario]] of Object.entries(ofKind).entries()) {
			test.sequential(title, { skip: !isLong && place >= shortForm, timeout: 600_000 }, async () => {
				const report = await runScenario(scenario);
				const { counts, ...verdict } = report.verdict;
				const offences = verdict.offences.map(({ column, handle, why }) => `${column}: ${handle}: ${why}`);
				const faults = report.faults.map((fault) => JSON.stringify(fault));
				const told = [tableText(report.verdict, {}), ...faults, ...report.problems, ...offences].join('\n');
				expect(report.problems, told).toEqual([]);
				expect(report.faults.length, told).toBeGreaterThanOrEqual(least.faults);
				expect(counts.commands, told).toBeGreaterThanOrEqual(least.commands);
				expect(counts.executions, told).toBeGreaterThan(0);
				if (!scenario.offences) return expect(offences, told).toEqual([]);
				const expected = scenario.offences.reduce((sum, column) => sum + counts[column], 0);
				expect(expected, `${scenario.offences.join(' or ')}\n${told}`).toBeGreaterThan(0);
				// The rest of it is at work: a product that does nothing would be accused of everything.
				const accused = new Set(verdict.offences.map(({ handle }) => handle));
				expect(accused.size, told).toBeLessThan(counts.commands / 2);
			});
		}
	},
);

describe('a mutation', () => {
	const mutation = { file: 'a.ts', find: 'await ', replace: '' };

	test('is the source with the text replaced', () => {
		expect(mutate('await write();', mutation)).toBe('write();');
		expect(mutate('await write();', { ...mutation, replace: '$& $1 ' })).toBe('$& $1 write();');
	});

	test.each([
		['write();', 'a.ts holds this text 0 times'],
		['await write(); await ack();', 'a.ts holds this text 2 times'],
	])('is refused where the source has moved on: %s', (source, message) => {
		expect(() => mutate(source, mutation)).toThrow(message);
	});

	test('fits the source as it is now, each of them', async () => {
		for (const sabotage of Object.values(mutations)) await mutatedSources(sabotage);
	});

	test('is in a scenario, each of them', () => {
		const used = Object.values(scenarios).flatMap((ofKind) =>
			Object.values(ofKind).flatMap(({ sabotage }) => sabotage ?? []),
		);
		expect(used.toSorted()).toEqual(Object.keys(mutations).toSorted());
	});
});
