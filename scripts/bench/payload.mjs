/**
 * Owns what every peer carries: data of 256 bytes as JSON, and what the method `ping` gives back.
 * Promises the same bytes for all of them. Pure.
 */

const bytes = 256;
const empty = JSON.stringify({ text: '' }).length;

export const data = Object.freeze({ text: 'x'.repeat(bytes - empty) });
export const body = JSON.stringify(data);
/** As steward's own `ping` answers. */
export const answer = (given) => ({ pong: given, node: 'ship1' });
export const queueName = 'ping';
/** What is handed over in one go. */
export const chunk = 1000;

/** Runs `work(size)` for each chunk of `count`, one after another. */
export async function inChunks(count, work) {
	for (let done = 0; done < count; done += chunk) await work(Math.min(chunk, count - done), done);
}

/** Wall-clock time, milliseconds with fractions: processes of one machine can be compared. */
export const now = () => performance.timeOrigin + performance.now();
