import { expect, test } from 'vitest';
import type { OutputChunk } from '../../src/domain/output.ts';
import { streams } from '../../src/domain/subject.ts';
import { outputRequest, readOutputChunk } from '../../src/jetstream/output.ts';
import { Publisher } from '../../src/jetstream/publisher.ts';
import { startBroker } from './setup.ts';

test('a chunk is read as it was published, bytes and all', async () => {
	await using broker = await startBroker();
	const { connection } = broker;
	const publisher = new Publisher(connection, { stream: streams.output, mayLookUp: false });
	const data = Buffer.from([0, 1, 255, 10, 13, 128]);
	const chunks: OutputChunk[] = [
		{ attempt: 1, number: 1, kind: 'data', stream: 'stderr', offset: 7, data },
		{ attempt: 2, number: 9, kind: 'cut', stream: 'stdout', offset: 2 ** 40, bytes: 12 },
		{ attempt: 2, number: 10, kind: 'end', how: 'cutOff', totals: { stdout: 2 ** 40 + 12, stderr: 0 } },
	];
	// Together, as a batch.
	const acks = await Promise.all(
		chunks.map((chunk) => publisher.publish(outputRequest('ship1', 'a-B_9', chunk))),
	);
	for (const [index, { seq }] of acks.entries()) {
		const stored = await connection.jsm.streams.getMessage(streams.output, { seq });
		const read = readOutputChunk({
			subject: stored?.subject ?? '',
			data: Buffer.from(stored?.data ?? []),
			header: (name) => stored?.header.get(name) ?? '',
		});
		expect(read).toEqual({ node: 'ship1', id: 'a-B_9', chunk: chunks[index] });
	}
});

test.each([
	['another subject', { subject: 'steward.output.ship1.*' }],
	['no kind', { 'Steward-Output': '' }],
	['an unknown kind', { 'Steward-Output': 'other' }],
	['attempt 0', { 'Steward-Attempt': '0' }],
	['a number that is none', { 'Steward-Number': '-1' }],
	['a number beyond all', { 'Steward-Number': '99999999999999999999' }],
	['an unknown stream', { 'Steward-Stream': 'stdin' }],
	['no offset', { 'Steward-Offset': '' }],
	['a cut of nothing known', { 'Steward-Output': 'cut' }],
	['an end without totals', { 'Steward-Output': 'end', 'Steward-End': 'ended' }],
])('%s is no chunk', (_, change: Record<string, string>) => {
	const chunk = {
		attempt: 1,
		number: 1,
		kind: 'data',
		stream: 'stdout',
		offset: 0,
		data: Buffer.from('x'),
	} as const;
	const { headers, subject, data } = outputRequest('ship1', 'a', chunk);
	const message = { subject, ...headers, ...change };
	const header = (name: string) => new Map(Object.entries(message)).get(name) ?? '';
	expect(readOutputChunk({ subject: message.subject, data: Buffer.from(data), header })).toBe(undefined);
});
