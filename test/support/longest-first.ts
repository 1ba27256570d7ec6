/**
 * Owns the order in which files are run: those that take longest come first.
 * Promises that no long one begins when all others are over, and leaves a processor idle.
 * A list by hand: a clone that has run nothing yet knows no durations.
 */

import { BaseSequencer, type TestSpecification } from 'vitest/node';

const longest = [
	...['e2e/fates', 'node/module-faults', 'node/pipeline-model', 'node/outbox', 'node/isolated-process'],
	...[
		'node/schedules/offline',
		'node/intake-fuzz',
		'e2e/tour',
		'client/send',
		'node/damaged-store',
		'node/link',
	],
	...['central/scheduler-crash', 'node/output/output', 'node/pauses', 'node/full-outbox', 'central/lost'],
	...['node/intake-file-fuzz', 'central/upkeep', 'e2e/nodes', 'e2e/secure', 'node/events', 'node/crash'],
	...['jetstream/leaf', 'browser/gallery-small', 'browser/gallery-hostile', 'browser/journeys'],
	...['chaos/chaos', 'chaos/cluster', 'chaos/sabotage/sabotage', 'chaos/power-loss/broker', 'chaos/disk'],
];

function placeOf({ moduleId }: TestSpecification): number {
	const place = longest.findIndex((name) => moduleId.endsWith(`/test/${name}.test.ts`));
	return place < 0 ? longest.length : place;
}

export class LongestFirst extends BaseSequencer {
	override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
		return (await super.sort(files)).sort((a, b) => placeOf(a) - placeOf(b));
	}
}
