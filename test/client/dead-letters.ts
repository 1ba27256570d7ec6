/**
 * Owns the dead letters of tests: what a centre would write.
 * Promises letters that differ in what the test says and in nothing else.
 * Holds nothing.
 */

import type { Envelope } from '../../src/domain/envelope.ts';
import type { NewDeadLetter } from '../../src/jetstream/dead-letters.ts';

export function letter(over: Partial<NewDeadLetter> = {}): NewDeadLetter {
	return {
		...{ node: 'ship1', kind: 'command', method: 'ping', id: 'a', sender: '_operator' },
		...{ at: Date.UTC(2026, 0, 1), attempts: 0, message: null },
		fault: { code: 'unknownMethod', message: 'no such method' },
		...over,
	};
}

/** A command's letter with its message. */
export function commandLetter(id: string, more: Partial<Envelope> = {}): NewDeadLetter {
	const envelope: Envelope = {
		...{ v: 1, id, node: 'ship1', method: 'ping', lane: 'normal', data: 'hi', sender: 'ship9' },
		...{ deliverWithinMs: 60_000, attempts: 3, runForMs: 5000 },
		...more,
	};
	return letter({ id, message: JSON.stringify(envelope) });
}

/** An event's letter with its data. */
export function eventLetter(id: string, data: unknown): NewDeadLetter {
	return letter({ id, kind: 'event', method: 'textLogging', message: JSON.stringify(data) });
}
