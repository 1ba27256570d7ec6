import { expect, test } from 'vitest';
import { readStoredCommand } from '../../src/jetstream/stored-command.ts';

const normal = 'steward.command.0.ship1.normal.m.id1';

function read(headers: Record<string, string>, subject = normal) {
	return readStoredCommand({ subject, seq: 7, storedAt: 1000, header: (name) => headers[name] ?? '' });
}

test('durations in headers are numbers, or it is no command of ours: nothing is due at no time', () => {
	expect(read({ 'Steward-Deliver-Within': 'never' })?.facts.deliverWithinMs).toBeNull();
	expect(
		read({ 'Steward-Deliver-Within': '5000', 'Steward-Run-For': '10', 'Steward-Patience': '0' })?.facts,
	).toEqual(expect.objectContaining({ deliverWithinMs: 5000, runForMs: 10, patienceMs: 0 }));
	for (const odd of ['', 'NaN', 'soon', '-1', '1e999', 'Infinity', '{}']) {
		expect(read({ 'Steward-Deliver-Within': odd }), odd).toBeUndefined();
	}
	for (const odd of ['NaN', '-1', '1e999']) {
		expect(read({ 'Steward-Deliver-Within': 'never', 'Steward-Run-For': odd })).toBeUndefined();
		expect(read({ 'Steward-Deliver-Within': 'never', 'Steward-Patience': odd })).toBeUndefined();
	}
});

test('of one that waits for its time the headers say the lane, and nothing that lacks a time waits', () => {
	const headers = {
		'Steward-Deliver-Within': '5000',
		'Steward-Not-Before': '9000',
		'Steward-Lane': 'urgent',
	};
	const later = 'steward.command.0.ship1.later.m.id1';
	expect(read(headers, later)).toMatchObject({
		...{ node: 'ship1', lane: 'urgent', id: 'id1' },
		facts: { lane: 'urgent', notBefore: 9000, queuedAt: 1000, accepted: { at: 1000, seq: 7 } },
	});
	expect(read({ ...headers, 'Steward-Accepted': '500 3' })?.facts).toMatchObject({
		...{ lane: 'normal', notBefore: 9000, accepted: { at: 500, seq: 3 } },
	});
	expect(read({ ...headers, 'Steward-Accepted': 'x' })?.facts).not.toHaveProperty('accepted');
	for (const odd of ['', 'later', 'events', 'control', 'fast']) {
		expect(read({ ...headers, 'Steward-Lane': odd }, later), odd).toBeUndefined();
	}
	for (const odd of ['', '-1', 'soon', '1e999']) {
		expect(read({ ...headers, 'Steward-Not-Before': odd }, later), odd).toBeUndefined();
	}
});
