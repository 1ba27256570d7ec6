/**
 * Owns what a node's trace says of its commands: which left a side effect, which were acknowledged, and when.
 * Promises the places in the node's own trace: a side effect when it was asked for, an acknowledgement when it was sent.
 * Reads only; `journalOf` opens a store as a node does after a new boot.
 */

import { join } from 'node:path';
import { open } from 'lmdb';
import type { JournalEntry } from '../../../src/node/store/journal.ts';
import { unsealed } from '../../../src/node/store/store-layout.ts';
import type { Promised } from './promises.ts';
import { descriptorOf, type Trace, textsOf } from './trace.ts';
import { readWire } from './wire.ts';

export type Seen = { readonly id: string; readonly place: number };

/** Words that commands appended to the file of side effects. */
export function effectsIn(trace: Trace, path: string): Seen[] {
	const seen: Seen[] = [];
	for (const step of trace.steps) {
		if (!step || step.phase === 'answered' || step.call.name !== 'write') continue;
		const { call } = step;
		if (descriptorOf(call.args).target !== path) continue;
		seen.push({ id: String(textsOf(call.args)[0] ?? '').trim(), place: call.asked });
	}
	return seen;
}

/** Commands whose delivery the node acknowledged; ids by their place on the stream, as the broker gave it. */
export function acksIn(trace: Trace, promised: readonly Promised[]): Seen[] {
	const ids = new Map<string, string>();
	for (const { stream, seq, subject } of promised)
		ids.set(`${stream} ${seq}`, subject.split('.').at(-1) ?? '');
	const seen: Seen[] = [];
	for (const { by, subject, data, place } of readWire(trace, false)) {
		// $JS.ACK.<stream>.<consumer>.<delivered>.<stream sequence>. …
		const [, , stream = '', , , seq] = subject.split('.');
		if (by !== 'client' || !subject.startsWith('$JS.ACK.') || data.toString() !== '+ACK') continue;
		const id = ids.get(`${stream} ${seq}`);
		if (id !== undefined && stream.startsWith('STEWARD_COMMANDS')) seen.push({ id, place });
	}
	return seen;
}

/** Entries of the journal by id. After a real power loss the boot id is another: `safeRestore` says so. */
export async function journalOf(dataDir: string): Promise<Map<string, JournalEntry['state']>> {
	const options = { encoding: 'string', maxDbs: 16, safeRestore: true } as const;
	const root = open({ path: join(dataDir, 'store'), ...options });
	try {
		const journal = root.openDB<string, string>('journal', { encoding: 'string' });
		const states = new Map<string, JournalEntry['state']>();
		for (const { key, value } of journal.getRange()) {
			states.set(String(key), (JSON.parse(unsealed('journal', key, value)) as JournalEntry).state);
		}
		return states;
	} finally {
		await root.close();
	}
}
