/**
 * Owns `npm run bench:guard`: whether what a command costs beside raw JetStream is still what was accepted (accepted.json).
 * Promises that a ratio fails only where it is above its bound in every round, with its name and both values; exit code 1 then.
 * Needs no other package than steward's own. If it dies, the kernel ends what it started.
 */

import { readFile, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { optionsOf } from '../options.mjs';
import { compare, guarded, keyOf, sentenceOf } from './accepted.mjs';
import { ratioOf } from './figures.mjs';
import { measure } from './measurement.mjs';
import { valuesIn } from './report.mjs';

const file = fileURLToPath(new URL('accepted.json', import.meta.url));
/** What is too much is measured again: only a command that costs more costs more each time. */
const mostRounds = 4;
const acceptRounds = 3;
const say = (text) => process.stderr.write(`${text}\n`);

const options = optionsOf(
	`npm run bench:guard -- [options]
  --accept           writes what is measured now, the median of its rounds, as what is accepted
  --rounds 4         at the most; 3 to accept
  --report FILE      the outcome as a report of tests, for CI`,
	{
		accept: { type: 'boolean' },
		rounds: { type: 'whole', default: 'as many as are needed', or: 'as many as are needed', least: 1 },
		report: { type: 'string' },
	},
);
const stop = new AbortController();
for (const name of ['SIGINT', 'SIGTERM']) process.once(name, () => stop.abort());

const taken = {};
const valuesOf = valuesIn(taken);

/** One round of these works; peers take turns in being first. */
async function measureRound(works, round) {
	for (const work of works) {
		const peers = [
			...new Set(['steward', ...guarded.filter((one) => one.work === work).map(({ of }) => of)]),
		];
		for (const peer of round % 2 === 0 ? peers : peers.reverse()) {
			if (stop.signal.aborted) return;
			const size = peer === 'steward' ? 'guard' : 'guardOther';
			const wish = { peer, work, tier: 'strict', size, programs: {} };
			const outcome = await measure(wish, stop.signal);
			taken[work] ??= {};
			taken[work][peer] = [...(taken[work][peer] ?? []), outcome];
			const figures = guarded
				.filter((one) => one.work === work)
				.map(({ figure }) => outcome.figures?.[figure]);
			say(
				`${work} round ${round + 1}: ${peer} ${outcome.error ?? figures.map((value) => `${value?.toFixed(0)} µs`)}`,
			);
		}
	}
}

async function accept() {
	const works = [...new Set(guarded.map(({ work }) => work))];
	for (let round = 0; round < (Number(options.rounds) || acceptRounds); round++)
		await measureRound(works, round);
	const ratios = guarded.map((one) => {
		const { work, figure, of } = one;
		return [keyOf(one), ratioOf(valuesOf(work, figure, 'steward'), valuesOf(work, figure, of))];
	});
	const missing = ratios.filter(([, ratio]) => ratio === undefined);
	if (stop.signal.aborted || missing.length > 0)
		throw new Error(`nothing is accepted: ${missing.map(([key]) => key).join(', ') || 'it was called off'}`);
	const rounded = ratios.map(([key, ratio]) => [key, Number(ratio.toPrecision(3))]);
	await writeFile(file, `${JSON.stringify(Object.fromEntries(rounded), null, '\t')}\n`);
	for (const [key, ratio] of rounded) console.log(`${key}: ${ratio} is accepted`);
}

async function guard() {
	const accepted = JSON.parse(await readFile(file, 'utf8'));
	let verdicts = [];
	let doubtful = [...new Set(guarded.map(({ work }) => work))];
	for (let round = 0; round < (Number(options.rounds) || mostRounds) && doubtful.length > 0; round++) {
		await measureRound(doubtful, round);
		if (stop.signal.aborted) throw new Error('it was called off');
		verdicts = compare(valuesOf, accepted);
		doubtful = [...new Set(verdicts.filter(({ holds }) => !holds).map(({ work }) => work))];
	}
	for (const verdict of verdicts) console.log(`${verdict.holds ? 'held' : 'FAILED'}: ${sentenceOf(verdict)}`);
	if (doubtful.length > 0) process.exitCode = 1;
	if (options.report !== undefined) await writeFile(options.report, JSON.stringify(reportOf(verdicts)));
}

/** As vitest reports its tests. */
function reportOf(verdicts) {
	const passed = verdicts.filter(({ holds }) => holds).length;
	return {
		...{ numPassedTests: passed, numFailedTests: verdicts.length - passed },
		testResults: [
			{
				...{ name: 'bench:guard', status: passed === verdicts.length ? 'passed' : 'failed' },
				assertionResults: verdicts.map((verdict) => ({
					...{ fullName: verdict.key, status: verdict.holds ? 'passed' : 'failed' },
					failureMessages: verdict.holds ? [] : [sentenceOf(verdict)],
				})),
			},
		],
	};
}

await (options.accept ? accept() : guard());
