/**
 * Owns how much memory the JavaScript of a node, or of a centre, takes before it looks for garbage.
 * Promises to be a wish only: V8 that does not know it takes more memory, and nothing else changes.
 * It holds for the whole process until its end, so only a process that is nothing else may ask for it.
 */

import { setFlagsFromString } from 'node:v8';

export function keepHeapSmall(role: 'node' | 'central'): void {
	// The first line of main.ts lets the young generation grow to what a centre needs: in a node it stays as it begins.
	if (role === 'node') setFlagsFromString('--semi-space-growth-factor=1');
	// The old one is searched when it is so much larger than what was in use, percent: V8 would wait for several times that.
	setFlagsFromString(`--heap-growing-percent=${growing[role]}`);
}

/** What a centre knows of a long ledger it knows for good. */
const growing = { node: 50, central: 15 } as const;
