/**
 * Owns how much memory the JavaScript of a node takes before it looks for garbage.
 * Promises to be a wish only: V8 that does not know it takes more memory, and nothing else changes.
 * It holds for the whole process until its end, so only a process that is nothing but a node may ask for it.
 */

import { setFlagsFromString } from 'node:v8';

export function keepHeapSmall(): void {
	// The first line of main.ts lets the young generation grow to what a centre needs: here it stays as it begins.
	setFlagsFromString('--semi-space-growth-factor=1');
	// The old one is searched when it is half as large again as what was in use: V8 would wait for several times that.
	setFlagsFromString('--heap-growing-percent=50');
}
