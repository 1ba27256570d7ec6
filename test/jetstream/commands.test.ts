import { expect, test } from 'vitest';
import { readStoredCommand } from '../../src/jetstream/commands.ts';

const subject = 'steward.command.0.ship1.normal.m.id1';

function read(headers: Record<string, string>) {
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
