import { expect, test } from 'vitest';
import { parseAckSubject } from '../../src/jetstream/delivery.ts';

test('an ack subject says which hand-over of which message it is of, also with a domain', () => {
	const read = { deliveries: 1, seq: 7, consumerSeq: 3, storedAt: 5, pending: 2 };
	expect(parseAckSubject('$JS.ACK.stream.consumer.1.7.3.5000000.2')).toEqual(read);
	expect(parseAckSubject('$JS.ACK.hub.account.stream.consumer.1.7.3.5000000.2.token')).toEqual(read);
});

test('what is none, or of a message that no stream can have, is no delivery', () => {
	for (const odd of ['', 'a.b', '$JS.ACK.stream.consumer.1.x.3.5.2', '$JS.ACK.stream.consumer.1.7.3.-5.2']) {
		expect(parseAckSubject(odd), odd).toBeUndefined();
	}
	// 0 is what a node made itself, and asks nobody about.
	for (const zero of ['0', '00']) {
		expect(parseAckSubject(`$JS.ACK.stream.consumer.1.${zero}.3.5000000.2`)).toBeUndefined();
	}
});
