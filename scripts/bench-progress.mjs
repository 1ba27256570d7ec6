/**
 * Owns the line that tells how far a benchmark has come.
 * Promises that it is on stderr, at a terminal alone, and gone at its end: what the benchmark tells is nowhere mixed with it.
 * Keeps nothing.
 */

import { systemClock } from '../dist/base/clock.js';
import { Progress } from '../dist/cli/render/progress.js';
import { screenOn } from '../dist/cli/render/screen.js';

/**
 * Tells of `work` for as long as it goes on; answers what that answers.
 *
 * @template T
 * @param {string} label What is being done.
 * @param {number} total
 * @param {(at: (done: number) => void) => Promise<T>} work
 */
export async function withProgress(label, total, work) {
	const screen = screenOn(process.stderr, process.env);
	const progress = new Progress({ screen, clock: systemClock, label, total, quiet: !screen.isTTY });
	try {
		return await work((done) => progress.at(done));
	} finally {
		progress.end();
	}
}
