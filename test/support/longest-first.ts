/**
 * Owns the order in which files are run: those that take longest come first.
 * Promises that no long one begins when all others are over, and leaves a processor idle.
 * A list by hand: a clone that has run nothing yet knows no durations.
 */

import { BaseSequencer, type TestSpecification } from 'vitest/node';

const longest = [
	...['e2e/fates', 'node/schedules/offline', 'node/output/output', 'node/module-faults', 'node/link'],
	...['node/damaged-store', 'node/pauses', 'central/lost', 'e2e/tour', 'e2e/nodes', 'node/isolated-process'],
	...['e2e/secure', 'node/events', 'client/send', 'node/crash', 'central/scheduler-crash', 'jetstream/leaf'],
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
