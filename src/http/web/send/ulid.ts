/**
 * Owns ids for what is sent from the page, made before the first try.
 * Promises a ULID: sent again with it after a lost answer, the command is there once. Keeps nothing.
 */

const letters = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';

export function newId(now: number): string {
	let [time, rest] = ['', now];
	for (let index = 0; index < 10; index++) {
		time = `${letters[rest % 32]}${time}`;
		rest = Math.floor(rest / 32);
	}
	const random = crypto.getRandomValues(new Uint8Array(16));
	return time + Array.from(random, (byte) => letters[byte % 32]).join('');
}
