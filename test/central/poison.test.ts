import { expect, test } from 'vitest';
import { streams, subjects } from '../../src/domain/subject.ts';
import { eventually } from '../support/eventually.ts';
import { openFleet, startCentral } from '../support/fleet.ts';
import { startNats } from '../support/nats.ts';
import { openRaw } from '../support/raw.ts';

const facts = {
	method: 'm',
	lane: 'normal',
	sender: 's',
	digest: 'd',
	seq: 1,
	queuedAt: 1000,
	deliverWithinMs: null,
};
const report = { v: 1, key: { epoch: 'e', n: 1 }, event: 'failed', at: 2000, attempts: [], facts };

test('what the centre can never take becomes a dead letter, and what comes after it is taken', async () => {
	await using nats = await startNats();
	await using _central = await startCentral(nats.url);
	await using raw = await openRaw(nats.url);
	const { js, jsm } = raw;
	const lineage = { kind: 'retry', of: 'x'.repeat(1_048_200) };
	const method = 'a\r\nb';
	await js.publish(
		subjects.report('ship1', 'large'),
		JSON.stringify({ ...report, facts: { ...facts, lineage } }),
	);
	await js.publish(
		subjects.report('ship1', 'broken'),
		JSON.stringify({ ...report, facts: { ...facts, method } }),
	);
	await js.publish(subjects.report('ship1', 'good'), JSON.stringify(report));
	await js.publish(subjects.claim('ship1', 'taken'), 'nothing that can be read');
	const form = { toNode: 'ship1', kind: 'command', method: 'm', id: 'taken' };
	await js.publish('ship1.command.m', JSON.stringify(form));
	await js.publish('ship1.command.m', JSON.stringify({ ...form, id: 'free' }));
	const consumers = [
		[streams.claims, '_projector'],
		[streams.reports, '_projector'],
		[streams.intake, '_intake'],
	] as const;
	for (const [stream, name] of consumers) {
		await eventually(async () => {
			const { num_pending, num_ack_pending, delivered } = await jsm.consumers.info(stream, name);
			return delivered.stream_seq > 0 && num_pending + num_ack_pending === 0;
		});
	}
	const fleet = await openFleet(nats.url);
	await using _fleet = { [Symbol.asyncDispose]: () => fleet.close() };
	expect((await fleet.get('ship1.good'))?.state).toBe('failed');
	expect((await fleet.get('ship1.free'))?.state).toBe('queued');
	const letters = await jsm.streams.info(streams.dead, { subjects_filter: '>' });
	expect(letters.state.messages).toBe(4);
});
