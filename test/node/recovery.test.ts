import { expect, test } from 'vitest';
import { systemClock } from '../../src/base/clock.ts';
import type { CommandFacts } from '../../src/domain/wire.ts';
import { openAttempt } from '../../src/node/delivery/attempt-list.ts';
import { Recovery } from '../../src/node/delivery/recovery.ts';
import { Settlement } from '../../src/node/delivery/settlement.ts';
import { Cancellations } from '../../src/node/store/cancellations.ts';
import { Journal } from '../../src/node/store/journal.ts';
import { stressLifecycle } from '../support/lifecycle.ts';
import { pipelineParts } from './pipeline-parts.ts';

const facts: CommandFacts = {
	...{ method: 'm', lane: 'normal', sender: '_operator', digest: 'd', seq: 1 },
	...{ queuedAt: Date.now(), deliverWithinMs: null },
};

/** A journal that an earlier process left: `plain` and `rerun` were started here, `elsewhere` on another machine. */
async function left() {
	const parts = await pipelineParts();
	const { store, outbox, journal, serverTime, log } = parts;
	const options = { store, outbox, now: systemClock.now };
	const earlier = new Journal({ ...options, boot: 'earlier', machine: 'machine' });
	await earlier.recordStart('plain', facts, [openAttempt(1, 5)], 5, null);
	await earlier.recordStart('rerun', facts, [openAttempt(1, 5)], 5, 2);
	await earlier.recordStart('usedUp', facts, [openAttempt(1, 5)], 5, 0);
	const other = new Journal({ ...options, boot: 'elsewhere', machine: 'another' });
	await other.recordStart('elsewhere', facts, [openAttempt(1, 5)], 5, null);
	const cancellations = new Cancellations(store, systemClock.now);
	const settlement = new Settlement({
		...{ node: 'ship1', journal, cancellations, serverTime, clock: systemClock, log },
		untilLinkUp: async () => true,
	});
	const ended: string[] = [];
	const atWork = new Set<string>();
	const recovery = new Recovery({
		...{ journal, settlement, serverTime, clock: systemClock, log },
		isAtWork: (id) => atWork.has(id),
		endLeftovers: async (id) => {
			ended.push(id);
			// While the first one takes its time to end, the delivery of another comes, and a new attempt begins.
			atWork.add('usedUp');
		},
		onShutdown: (error) => {
			throw error;
		},
	});
	return { parts, journal, recovery, ended };
}

test('what may not start again is interrupted; what may, what runs anew, and what is of another machine are left', async () => {
	const { parts, journal, recovery, ended } = await left();
	await using _parts = parts;
	expect(await recovery.runOnce(new AbortController().signal)).toBe(1);
	expect(ended).toEqual(['plain', 'rerun']);
	expect(journal.get('plain')?.final).toMatchObject({ event: 'interrupted', fault: { code: 'interrupted' } });
	for (const id of ['rerun', 'usedUp', 'elsewhere']) expect(journal.get(id)?.state).toBe('started');
	expect(await recovery.runOnce(new AbortController().signal)).toBe(0);
});

test('it starts and stops in any order', async () => {
	const { parts, recovery } = await left();
	await using _parts = parts;
	await stressLifecycle(() => recovery);
});
