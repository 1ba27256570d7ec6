/**
 * Owns `npm run bench:signing`: the CPU that signing and checking take, a command and a report of a node.
 * Promises CPU of this process, not elapsed time, so that what else the machine does counts little; nothing is sent anywhere.
 * Keeps nothing.
 */

import { localMessage, readStoredCommand } from '../dist/jetstream/commands.js';
import { makeGuard } from '../dist/node/trust/guard.js';
import { newUserKey, signingKey } from '../dist/security/keys.js';
import { readSeal, sealHolds, sealStatements } from '../dist/security/seal.js';
import { signEnvelope } from '../dist/security/signature.js';

const rounds = 3000;
const now = Date.now();
const key = signingKey(newUserKey().seed);

/** Microseconds of CPU each time. */
async function cpuOf(work) {
	for (let n = 0; n < 300; n++) await work(n);
	const before = process.cpuUsage();
	for (let n = 0; n < rounds; n++) await work(n);
	const { user, system } = process.cpuUsage(before);
	return (user + system) / rounds;
}

function say(what, microseconds, unit = ' µs') {
	process.stdout.write(`${what.padEnd(60)} ${microseconds.toFixed(0).padStart(6)}${unit}\n`);
}

const trusted = { key: key.publicKey, name: 'alice', role: 'operator' };
const list = { roots: [], keys: [trusted] };
const guard = makeGuard({ node: 'ship1', trust: () => list, spent: { has: () => false, floor: 0 } });

for (const [size, data] of [
	['usual', { command: ['bash', '-c', 'ls -l /var/log'] }],
	['64 KiB of data', { text: 'x'.repeat(64 * 1024) }],
]) {
	const fields = {
		v: 1,
		id: '01J0000000000000000000000A',
		node: 'ship1',
		method: 'shellCommand',
		lane: 'normal',
	};
	const envelope = { ...fields, data, sender: '_operator', deliverWithinMs: 60_000 };
	const signing = await cpuOf(async () => signEnvelope(envelope, key, now));
	const signed = signEnvelope(envelope, key, now);
	const { facts } = readStoredCommand({ ...localMessage(signed, now), seq: 1 });
	const checking = await cpuOf(async () => {
		if (!(await guard(signed, facts, now)).allowed) throw new Error('it is not allowed');
	});
	say(`a command (${size}): signed`, signing);
	say(`a command (${size}): checked by the guard of its node`, checking);
	say(`a command (${size}): both`, signing + checking);
}

for (const count of [1, 100]) {
	const report = (n) => ({ subject: `steward.report.ship1.c${n}`, data: 'x'.repeat(700) });
	const batch = Array.from({ length: count }, (_, n) => report(n));
	const sealing = await cpuOf(async (n) => n % count === 0 && sealStatements(key, batch));
	const seals = sealStatements(key, batch);
	// The centre remembers a batch's signature: one check for all of it.
	const checking = await cpuOf(async (n) => {
		const seal = readSeal(seals[n % count], batch[n % count]);
		if (n % count === 0 && !sealHolds(seal)) throw new Error('it does not hold');
	});
	say(`a report, ${count} in a batch: sealed`, sealing);
	say(`a report, ${count} in a batch: checked`, checking);
	say(`a report, ${count} in a batch: bytes that its seal takes`, seals[0].length, ' bytes');
}
