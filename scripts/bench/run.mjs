/**
 * Owns `npm run bench`: steward beside raw JetStream and the queues that one would take instead, in one run, round by round.
 * Promises that each measurement has a process and servers of its own, that peers take turns, and that nothing is left but the reports;
 * exit code 1 where a measurement failed. A target that is not met is told, and no failure. If it dies, the kernel ends what it started.
 */

import { readFile, writeFile } from 'node:fs/promises';
import { describeMachine } from './machine.mjs';
import { measure } from './measurement.mjs';
import { readOptions, usage } from './options.mjs';
import { providePackages, providePostgres, provideRedis } from './programs.mjs';
import { besideEarlier, digits, markdownOf, summariesOf, verdicts } from './report.mjs';
import { works } from './works.mjs';

/** What the chosen peers need, and nothing else. */
async function provide(peers) {
	const needs = (...names) => names.some((name) => peers.includes(name));
	const isOther = needs('bullmq', 'pg-boss', 'graphile-worker');
	return {
		// Two of the others need Node 24; then all are measured with it.
		node: isOther ? await providePackages() : undefined,
		redis: needs('bullmq') ? await provideRedis() : undefined,
		postgres: needs('pg-boss', 'graphile-worker') ? await providePostgres() : undefined,
	};
}

const isTerminal = process.stderr.isTTY;
function say(text, isOver) {
	process.stderr.write(isTerminal ? `\r\x1b[K${text}${isOver ? '\n' : ''}` : isOver ? `${text}\n` : '');
}

function told({ figures, error }) {
	if (error !== undefined) return `FAILED: ${error}`;
	return Object.entries(figures)
		.map(([name, value]) => `${name} ${[value].flat().map(digits).join(', ')}`)
		.join(', ');
}

async function runAll(options, programs, signal) {
	const tiers = {};
	for (const tier of options.tier) {
		tiers[tier] = {};
		for (const work of options.work) {
			const peers = works[work].peers.filter((peer) => options.peers.includes(peer));
			const byPeer = Object.fromEntries(peers.map((peer) => [peer, []]));
			if (peers.length > 0) tiers[tier][work] = byPeer;
			// A work that is long takes its five by itself.
			const rounds = works[work].rounds ?? options.rounds;
			for (let round = 0; round < rounds; round++) {
				// Who is first changes, so that what comes and goes meets all of them.
				const turn = round % Math.max(1, peers.length);
				for (const peer of [...peers.slice(turn), ...peers.slice(0, turn)]) {
					if (signal.aborted) return tiers;
					const title = `${tier} ${work} round ${round + 1} of ${rounds}: ${peer}`;
					say(`${title} …`, false);
					const taken = await measure({ peer, work, tier, size: options.size, programs }, signal);
					byPeer[peer].push(taken);
					say(`${title}: ${told(taken)}`, true);
				}
			}
		}
	}
	return tiers;
}

async function main() {
	const options = readOptions(process.argv.slice(2));
	if (options.help) return console.log(usage);
	const earlier = options.beside && JSON.parse(await readFile(options.beside, 'utf8'));
	const stop = new AbortController();
	for (const name of ['SIGINT', 'SIGTERM']) process.once(name, () => stop.abort());
	const began = Date.now();
	const isNeeded = (peer) => options.work.some((work) => works[work].peers.includes(peer));
	const programs = await provide(options.peers.filter(isNeeded));
	const machine = await describeMachine(programs);
	const tiers = await runAll(options, programs, stop.signal);
	const { work, peers, tier, rounds, size } = options;
	const own = {
		...{ startedAt: new Date(began).toISOString(), tookMs: Date.now() - began },
		...{ options: { work, peers, tier, rounds, size }, machine, tiers },
	};
	const report = earlier ? besideEarlier(own, earlier) : own;
	const markdown = markdownOf(report);
	const json = JSON.stringify(
		{ ...report, summary: summariesOf(report.tiers), targets: verdicts(report) },
		null,
		'\t',
	);
	if (options.json) await writeFile(options.json, `${json}\n`);
	if (options.markdown) await writeFile(options.markdown, markdown);
	console.log(markdown);
	const failed = Object.values(tiers).flatMap((works) =>
		Object.values(works).flatMap((all) => Object.values(all).flat()),
	);
	if (stop.signal.aborted) process.exitCode = 130;
	else if (failed.some(({ error }) => error !== undefined)) process.exitCode = 1;
}

try {
	await main();
} catch (error) {
	console.error(error instanceof TypeError ? `${error.message}\n${usage}` : error);
	process.exitCode = error instanceof TypeError ? 2 : 1;
}
