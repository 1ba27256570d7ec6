import { expect, test } from 'vitest';
import {
	bucketStream,
	deleteRequest,
	readEntries,
	readEntry,
	writeRequest,
} from '../../src/jetstream/bucket.ts';
import { isWrongSequence, Publisher } from '../../src/jetstream/publisher.ts';
import { eventually } from '../support/eventually.ts';
import { startBroker } from './setup.ts';

const bucket = 'steward-presence';
const text = (value: Uint8Array | undefined) => new TextDecoder().decode(value);

test('a value replaces exactly the revision that it expects', async () => {
	await using broker = await startBroker();
	const publisher = new Publisher(broker.connection, { stream: bucketStream(bucket), mayLookUp: true });
	const write = (value: string, expectRevision?: number) =>
		publisher.publish(
			writeRequest(bucket, 'ship1', value, expectRevision === undefined ? {} : { expectRevision }),
		);
	const { seq: first } = await write('a', 0);
	await expect(write('b', 0)).rejects.toSatisfy(isWrongSequence);
	const { seq: second } = await write('b', first);
	await expect(write('c', first)).rejects.toSatisfy(isWrongSequence);
	const entry = await readEntry(broker.connection, bucket, 'ship1');
	expect(entry).toMatchObject({ key: 'ship1', revision: second, gone: false });
	expect(text(entry?.value)).toBe('b');
	expect(await readEntry(broker.connection, bucket, 'ship2')).toBeUndefined();
});

test('a delete leaves a marker with its time, over which a new value can be written', async () => {
	await using broker = await startBroker();
	const publisher = new Publisher(broker.connection, { stream: bucketStream(bucket), mayLookUp: true });
	await publisher.publish(writeRequest(bucket, 'ship1', 'a'));
	const { seq } = await publisher.publish(deleteRequest(bucket, 'ship1', 1));
	const marker = await readEntry(broker.connection, bucket, 'ship1');
	expect(marker).toMatchObject({ gone: true, revision: seq });
	await publisher.publish(writeRequest(bucket, 'ship1', 'b', { expectRevision: seq }));
	const entries = await readEntries(broker.connection, bucket, ['ship1', 'ship2']);
	expect([...entries].map(([key, { gone, value }]) => [key, gone, text(value)])).toEqual([
		['ship1', false, 'b'],
	]);
});

test('an entry with a time to live is gone after it, and a marker tells since when', async () => {
	await using broker = await startBroker();
	const publisher = new Publisher(broker.connection, { stream: bucketStream(bucket), mayLookUp: true });
	await publisher.publish(writeRequest(bucket, 'ship1', 'a', { ttlMs: 10 }));
	await publisher.publish(writeRequest(bucket, 'ship2', 'a', { ttlMs: 60_000 }));
	expect(await readEntry(broker.connection, bucket, 'ship1')).toMatchObject({ gone: false });
	const marker = await eventually(async () => {
		const entry = await readEntry(broker.connection, bucket, 'ship1');
		return entry?.gone === true && entry;
	});
	expect(Math.abs(marker.writtenAt - Date.now())).toBeLessThan(60_000);
	expect(await readEntry(broker.connection, bucket, 'ship2')).toMatchObject({ gone: false });
});
