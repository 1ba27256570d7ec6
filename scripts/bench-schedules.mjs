/**
 * Owns `npm run bench:schedules`: how punctually a centre fires ticks, and how fast it queues those of one instant, beside the rate of
 * raw atomic batches of the same messages on the same server, with strict durability (sync_interval: always); and how fast a centre
 * does that which signs each of them, on a broker with accounts, in turn with the other.
 * Promises figures from the server's own times of storing; the centre is a process of its own, and nobody watches while it works.
 * The server and its store are gone at the end.
 */

import { jetstream, jetstreamManager } from '@nats-io/jetstream';
import { connect, headers } from '@nats-io/transport-node';
import { systemClock } from '../dist/base/clock.js';
import { Progress } from '../dist/cli/render/progress.js';
import { screenOn } from '../dist/cli/render/screen.js';
import { parseSchedule } from '../dist/domain/schedule.js';
import { parseScheduleRef } from '../dist/domain/schedule-ref.js';
import { parseCommandSubject } from '../dist/domain/subject.js';
import { jitterOf } from '../dist/domain/ticks.js';
import { closeConnection, openConnection } from '../dist/jetstream/connection.js';
import { follow } from '../dist/jetstream/follow.js';
import { Schedules } from '../dist/jetstream/schedules.js';
import { readCredentials } from '../dist/security/credentials.js';
import { signRecord } from '../dist/security/record-signature.js';
import { median, startFleet } from './bench-fleet.mjs';
import { optionsOf } from './options.mjs';

const usage = `npm run bench:schedules -- [options]
  --ticks 50000      of each shape
  --runs 5           of the instant, with and without accounts, and of raw batches, in turn
  --instant          nothing but these
  --json             figures as JSON`;
const {
	ticks,
	runs,
	json,
	instant: onlyInstant,
} = optionsOf(usage, {
	ticks: { type: 'whole', default: 50_000, least: 1000 },
	runs: { type: 'whole', default: 5, least: 1 },
	instant: { type: 'boolean' },
	json: { type: 'boolean' },
});

const say = (text) => process.stderr.write(`${text}\n`);

const message = { method: 'shellCommand', data: ['bash', '-c', 'x'.repeat(120)] };

/** Writes the schedules, waits until their time is over, and answers how late each command was stored, milliseconds. */
async function fire(fleet, forms, untilMs) {
	const file = await fleet.enrol('operator', 'bench');
	const credentials = file && (await readCredentials(file));
	const connection = await openConnection({ servers: [fleet.url], name: 'bench', credentials });
	const schedules = new Schedules(connection);
	const jsm = await jetstreamManager(connection.nc);
	await jsm.streams.purge('STEWARD_COMMANDS_0');
	const since = Date.now();
	const records = forms
		.map((form) => ({
			...{ v: 1, name: form.name, version: 1, form, since, removed: false },
			changes: [{ version: 1, at: since, by: 'bench', change: 'added', fields: [] }],
		}))
		.map((record) => (credentials ? signRecord(record, credentials.key, since) : record));
	for (let from = 0; from < records.length; from += 1000) {
		await Promise.all(records.slice(from, from + 1000).map((record) => schedules.write(record, 0)));
	}
	const screen = screenOn(process.stderr, process.env);
	const progress = new Progress({
		screen,
		clock: systemClock,
		label: 'ticks',
		total: ticks,
		quiet: json,
	});
	for (const deadline = untilMs + 60_000; ; ) {
		const { state } = await jsm.streams.info('STEWARD_COMMANDS_0');
		progress.at(state.messages);
		if (Date.now() > untilMs && state.messages >= ticks) break;
		if (Date.now() > deadline) throw new Error(`${state.messages} of ${ticks} ticks fired`);
		await new Promise((resolve) => setTimeout(resolve, 1000));
	}
	progress.end();
	const byName = new Map(forms.map((form) => [form.name, parseSchedule(form)]));
	const stored = [];
	const following = await follow(
		connection,
		{ stream: 'STEWARD_COMMANDS_0', filter: ['steward.command.>'], from: 'all', headersOnly: true },
		({ subject, header, storedAt }) => {
			const ref = parseScheduleRef(header('Steward-Schedule'));
			const address = parseCommandSubject(subject);
			if (!ref || !address) return;
			stored.push({ storedAt, due: ref.tick + jitterOf(byName.get(ref.name), address.node) });
		},
	);
	await following.caughtUp;
	await following.stop();
	await jsm.streams.purge('STEWARD_COMMANDS_0');
	for (const { name } of forms) await schedules.forget(name, (await schedules.read(name)).revision);
	await closeConnection(connection, systemClock);
	if (stored.length !== ticks) throw new Error(`${stored.length} of ${ticks} ticks are there`);
	return stored;
}

/**
 * The same number of bodies of the same size in atomic batches of 1,000, as fast as one client can: bare, or with the headers that
 * commands have, their expectation among them.
 */
async function raw(withHeaders) {
	const nc = await connect({ servers: plain.url });
	const jsm = await jetstreamManager(nc);
	const js = jetstream(nc);
	const { config } = await jsm.streams.info('STEWARD_COMMANDS_0');
	const { subjects: _, metadata: __, ...same } = config;
	await jsm.streams.add({ ...same, name: 'RAW', subjects: ['raw.>'] });
	const body = JSON.stringify({
		...{ v: 1, id: 'x'.repeat(26), node: 'ship12345', lane: 'normal', sender: 'central', ...message },
		...{ deliverWithinMs: 604_800_000, schedule: { name: 'instant-12', tick: Date.now(), version: 1 } },
	});
	const subjectOf = (n) => `raw.ship${n}.normal.${message.method}.${'x'.repeat(26)}`;
	const optionsOf = (n) => {
		if (!withHeaders) return {};
		const fields = headers();
		for (const [name, value] of Object.entries({
			'Nats-Expected-Last-Subject-Sequence': '0',
			'Nats-Expected-Last-Subject-Sequence-Subject': `raw.ship${n}.*.*.${'x'.repeat(26)}`,
			'Steward-Digest': 'tick instant-12 1767225600000',
			'Steward-Sender': 'central',
			'Steward-Deliver-Within': '604800000',
			'Steward-Schedule': 'instant-12 1 1767225600000',
		}))
			fields.set(name, value);
		return { headers: fields };
	};
	const began = Date.now();
	for (let from = 0; from < ticks; from += 1000) {
		const last = Math.min(from + 1000, ticks) - 1;
		const batch = await js.startBatch(subjectOf(from), body, optionsOf(from));
		for (let n = from + 1; n < last; n++) batch.add(subjectOf(n), body, optionsOf(n));
		await batch.commit(subjectOf(last), body, optionsOf(last));
	}
	const tookMs = Date.now() - began;
	const { state } = await jsm.streams.info('RAW');
	if (state.messages !== ticks) throw new Error(`${state.messages} of ${ticks} raw messages are there`);
	await jsm.streams.delete('RAW');
	await nc.close();
	return (ticks * 1000) / tookMs;
}

/** A centre that has found its broker. */
async function startCentre(fleet) {
	// On its list before it starts.
	await fleet.enrol('operator', 'bench');
	await fleet.run('centre', 'centre', ['central']);
}

/** Ticks a second of 50 schedules whose moment is the same. */
async function instantOf(fleet, name) {
	const instant = Date.now() + 5000;
	const forms = Array.from({ length: 50 }, (_, n) => ({
		name: `${name}-${n}`,
		every: '1d',
		message,
		toNodes: Array.from({ length: ticks / 50 }, (_, at) => `ship${n * (ticks / 50) + at}`),
		startAt: new Date(instant).toISOString(),
		endAt: new Date(instant).toISOString(),
	}));
	const stored = await fire(fleet, forms, instant + 1000);
	return (ticks * 1000) / Math.max(...stored.map(({ storedAt }) => storedAt - instant));
}
const spreadOf = (stored) => {
	const late = stored.map(({ storedAt, due }) => storedAt - due).sort((a, b) => a - b);
	return {
		median: median(late),
		p99: late[Math.floor(late.length * 0.99)],
		max: late.at(-1),
		early: late.filter((ms) => ms < -1).length,
	};
};

const plain = await startFleet({ accounts: false });
const signing = await startFleet({ accounts: true });
try {
	for (const fleet of [plain, signing]) await startCentre(fleet);
	await new Promise((resolve) => setTimeout(resolve, 4000));
	const figures = {};

	const shapes = [
		['one schedule for each tick', ticks],
		['50 schedules with a jitter of a minute', 50],
	];
	for (const [shape, schedulesOf] of onlyInstant ? [] : shapes) {
		const perSchedule = ticks / schedulesOf;
		// Until then the records are written, and read by the centre.
		const begins = Date.now() + (schedulesOf > 1000 ? 30_000 : 5000);
		say(`${ticks} ticks over a minute, ${shape} …`);
		const forms = Array.from({ length: schedulesOf }, (_, n) => ({
			name: `spread-${schedulesOf}-${n}`,
			every: '1m',
			message,
			toNodes: Array.from({ length: perSchedule }, (_, at) => `ship${n * perSchedule + at}`),
			startAt: new Date(begins + (perSchedule === 1 ? Math.floor((n * 60_000) / ticks) : 0)).toISOString(),
			endAt: new Date(begins + 59_999).toISOString(),
			...(perSchedule === 1 ? {} : { jitter: '1m' }),
		}));
		figures[shape] = spreadOf(await fire(plain, forms, begins + 62_000));
		say(JSON.stringify(figures[shape]));
	}

	const ratios = [];
	for (let run = 1; run <= runs; run++) {
		const bare = await raw(false);
		const same = await raw(true);
		const rate = await instantOf(plain, `instant-${run}`);
		const signed = await instantOf(signing, `instant-${run}`);
		ratios.push({
			...{ bare: Math.round(bare), same: Math.round(same), ticks: Math.round(rate) },
			...{
				signed: Math.round(signed),
				toBare: rate / bare,
				toSame: rate / same,
				signedToTicks: signed / rate,
			},
		});
		say(`run ${run} of ${runs}: ${JSON.stringify(ratios.at(-1))}`);
	}
	figures.instant = Object.fromEntries(
		Object.keys(ratios[0]).map((name) => {
			const list = ratios.map((one) => one[name]).map((value) => Number(value.toFixed(value < 10 ? 2 : 0)));
			return [name, { median: median(list), least: Math.min(...list), most: Math.max(...list) }];
		}),
	);
	if (json) console.log(JSON.stringify(figures, null, '\t'));
	else for (const [name, table] of Object.entries(figures)) console.log(name, table);
} finally {
	for (const fleet of [plain, signing]) await fleet[Symbol.asyncDispose]();
}
