/**
 * Owns `npm run bench:signing`: the CPU that signing and checking take, a command and a report of a node; and what `shellCommand` takes
 * where everybody signs, and where there are accounts as well, beside what it takes without: three sites in turn, round by round.
 * Promises CPU of processes beside elapsed time, which says what else the machine does as well; all brokers are durable.
 * The brokers and what they hold are gone at the end.
 */

import { localMessage, readStoredCommand } from '../dist/jetstream/stored-command.js';
import { makeGuard } from '../dist/node/trust/guard.js';
import { newUserKey, signingKey } from '../dist/security/keys.js';
import { readSeal, sealHolds, sealStatements } from '../dist/security/seal.js';
import { signEnvelope } from '../dist/security/signature.js';
import { median } from './bench-fleet.mjs';
import { withProgress } from './bench-progress.mjs';
import { siteHas, startSite } from './bench-signing-site.mjs';
import { optionsOf } from './options.mjs';

const usage = `npm run bench:signing -- [options]
  --rounds 15        of shellCommand, on each of three sites in turn
  --commands 200     in each round, sent together, run one after another`;
const { rounds: sideRounds, commands: perRound } = optionsOf(usage, {
	rounds: { type: 'whole', default: 15, least: 1 },
	commands: { type: 'whole', default: 200, least: 1 },
});

const rounds = 3000;
const now = Date.now();
const key = signingKey(newUserKey().seed);

/** Microseconds of CPU each time. */
async function cpuOfWork(work) {
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
	const signing = await cpuOfWork(async () => signEnvelope(envelope, key, now));
	const signed = signEnvelope(envelope, key, now);
	const { facts } = readStoredCommand({ ...localMessage(signed, now), seq: 1 });
	const checking = await cpuOfWork(async () => {
		if (!(await guard(signed, facts, now)).allowed) throw new Error('it is not allowed');
	});
	say(`a command (${size}): signed`, signing);
	say(`a command (${size}): checked by the guard of its node`, checking);
	say(`a command (${size}): both`, signing + checking);
}

for (const count of [1, 100]) {
	const report = (n) => ({ subject: `steward.report.ship1.c${n}`, data: 'x'.repeat(700) });
	const batch = Array.from({ length: count }, (_, n) => report(n));
	const sealing = await cpuOfWork(async (n) => n % count === 0 && sealStatements(key, batch));
	const seals = sealStatements(key, batch);
	// The centre remembers a batch's signature: one check for all of it.
	const checking = await cpuOfWork(async (n) => {
		const seal = readSeal(seals[n % count], batch[n % count]);
		if (n % count === 0 && !sealHolds(seal)) throw new Error('it does not hold');
	});
	say(`a report, ${count} in a batch: sealed`, sealing);
	say(`a report, ${count} in a batch: checked`, checking);
	say(`a report, ${count} in a batch: bytes that its seal takes`, seals[0].length, ' bytes');
}

/** Parts of one, for people. */
const percent = (part) => `${part < 0 ? '' : '+'}${(part * 100).toFixed(1)} %`;
/** What `more` takes beside `less`, as the median round says, and as the least and the most of them do. */
function beside(more, less, what) {
	const pairs = more.map((one, n) => one[what] / less[n][what] - 1);
	return `${percent(median(pairs))} (${percent(Math.min(...pairs))} to ${percent(Math.max(...pairs))})`;
}

const titles = {
	elapsed: 'elapsed',
	ours: 'CPU of these four',
	ran: 'CPU of what it ran',
	all: 'CPU of all',
};

const sites = {};
try {
	for (const name of Object.keys(siteHas)) sites[name] = await startSite(name, perRound);
	const names = Object.keys(sites);
	const taken = Object.fromEntries(names.map((name) => [name, []]));
	await withProgress('rounds', (sideRounds + 1) * names.length, async (at) => {
		let done = 0;
		for (let n = 0; n <= sideRounds; n++) {
			// Who is first changes, so that what comes and goes meets all.
			const order = names.map((_, place) => names[(place + n) % names.length]);
			for (const name of order) {
				const figures = await sites[name].round();
				at(++done);
				// The first is for what is made once.
				if (n > 0) taken[name].push(figures);
			}
		}
	});
	const { plain, signed, accounts } = taken;
	const out = (text) => process.stdout.write(`${text}\n`);
	out(`\nshellCommand of \`true\`, µs a command, medians of ${sideRounds} rounds of ${perRound}; no TLS`);
	for (const [name, has] of Object.entries(siteHas)) out(`  ${name.padEnd(10)}${has}`);
	const heads = ['signed beside plain', 'accounts beside plain'].map((head) => head.padEnd(30));
	out(`${''.padEnd(18)}${names.map((name) => name.padStart(10)).join('')}   ${heads.join('')}`.trimEnd());
	for (const what of Object.keys(plain[0])) {
		const title = titles[what] ?? `CPU of the ${what}`;
		const figures = names.map((name) =>
			median(taken[name].map((one) => one[what]))
				.toFixed(0)
				.padStart(10),
		);
		const more = [beside(signed, plain, what), beside(accounts, plain, what)].map((text) => text.padEnd(30));
		out(`${title.padEnd(18)}${figures.join('')}   ${more.join('')}`.trimEnd());
	}
	out('signing and checking alone, less than 5 % of a shellCommand is wanted:');
	out(`  ${beside(signed, plain, 'ours')} of the four's CPU, ${beside(signed, plain, 'all')} of all CPU`);
} finally {
	for (const one of Object.values(sites)) await one.end();
}
