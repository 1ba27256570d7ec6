/**
 * Owns `npm run bench:signing`: the CPU that signing and checking take, a command and a report of a node; and what `shellCommand` takes
 * with accounts beside what it takes without: broker, centre and node of either kind as processes of their own, in turn, round by round.
 * Promises CPU of processes beside elapsed time, which says what else the machine does as well; both brokers are durable.
 * The brokers and what they hold are gone at the end.
 */

import { connect } from '../dist/client/fleet.js';
import { localMessage, readStoredCommand } from '../dist/jetstream/commands.js';
import { makeGuard } from '../dist/node/trust/guard.js';
import { newUserKey, signingKey } from '../dist/security/keys.js';
import { readSeal, sealHolds, sealStatements } from '../dist/security/seal.js';
import { signEnvelope } from '../dist/security/signature.js';
import { cpuOf, median, startFleet } from './bench-fleet.mjs';
import { optionsOf } from './options.mjs';

const usage = `npm run bench:signing -- [options]
  --rounds 15        of shellCommand, with accounts and without in turn
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

/** Broker, centre, node, and a client that is this process. */
async function world(accounts) {
	const fleet = await startFleet({ accounts });
	const file = await fleet.enrol('operator', 'bench');
	await fleet.enrol('centre', 'centre');
	const processes = {
		centre: await fleet.run('centre', 'centre', ['central']),
		node: await fleet.run('node', 'ship1', ['node', '--node', 'ship1']),
	};
	let client;
	for (const deadline = Date.now() + 30_000; ; ) {
		try {
			client ??= await connect({ servers: fleet.url, credentials: file, name: 'bench' });
			if ((await client.node('ship1'))?.presence === 'present') break;
		} catch (error) {
			if (Date.now() > deadline) throw error;
		}
		await new Promise((resolve) => setTimeout(resolve, 100));
	}
	const pids = { broker: fleet.pid, centre: processes.centre.pid, node: processes.node.pid };
	const cpuNow = async () => {
		const { user, system } = process.cpuUsage();
		const others = await Promise.all(
			Object.entries(pids).map(async ([name, pid]) => [name, await cpuOf(pid)]),
		);
		return { client: user + system, ...Object.fromEntries(others) };
	};
	/** Microseconds for each command: elapsed, and of CPU by process, without the shells. */
	const round = async () => {
		const before = await cpuNow();
		const began = performance.now();
		const form = { toNode: 'ship1', kind: 'command', method: 'shellCommand', data: ['true'] };
		const sent = await Promise.all(Array.from({ length: perRound }, () => client.send(form)));
		const ended = await client.wait(sent.flat().map(({ handle }) => handle));
		const elapsed = ((performance.now() - began) * 1000) / perRound;
		if (ended.some(({ state }) => state !== 'succeeded')) throw new Error('a command did not succeed');
		const after = await cpuNow();
		const cpu = Object.fromEntries(
			Object.keys(after).map((name) => [name, (after[name] - before[name]) / perRound]),
		);
		return { elapsed, ...cpu, total: Object.values(cpu).reduce((sum, one) => sum + one, 0) };
	};
	const end = async () => {
		await client?.close();
		await fleet[Symbol.asyncDispose]();
	};
	return { round, end };
}

const worlds = { without: await world(false), with: await world(true) };
try {
	const rounds = { without: [], with: [] };
	for (const one of Object.values(worlds)) await one.round();
	for (let n = 0; n < sideRounds; n++) {
		// Who is first changes, so that what comes and goes meets both.
		for (const name of n % 2 === 0 ? ['without', 'with'] : ['with', 'without'])
			rounds[name].push(await worlds[name].round());
	}
	process.stdout.write(
		`\nshellCommand of \`true\`, µs a command, medians of ${sideRounds} rounds of ${perRound}\n`,
	);
	process.stdout.write(
		`${''.padEnd(26)}${'without'.padStart(10)}${'with'.padStart(10)}${'more'.padStart(10)}   of rounds side by side\n`,
	);
	for (const what of Object.keys(rounds.with[0])) {
		const [without, signed] = [rounds.without, rounds.with].map((list) =>
			median(list.map((one) => one[what])),
		);
		const pairs = rounds.with.map((one, n) => one[what] / rounds.without[n][what] - 1);
		const title =
			what === 'elapsed' ? 'elapsed' : what === 'total' ? 'CPU of all four' : `CPU of the ${what}`;
		const figures = [without, signed, signed - without]
			.map((figure) => figure.toFixed(0).padStart(10))
			.join('');
		const spread = [median(pairs), Math.min(...pairs), Math.max(...pairs)].map(
			(part) => `${(part * 100).toFixed(1)} %`,
		);
		process.stdout.write(`${title.padEnd(26)}${figures}   ${spread[0]} (${spread[1]} to ${spread[2]})\n`);
	}
} finally {
	for (const one of Object.values(worlds)) await one.end();
}
