import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Fleet } from '../../src/client/fleet.ts';
import { fateDocument } from '../../src/domain/fate-doc.ts';
import { type Expected, type Fate, fateTable, type Moment } from '../../src/domain/fates.ts';
import type { MessageForm } from '../../src/domain/message.ts';
import { streams, subjects } from '../../src/domain/subject.ts';
import { getLast } from '../../src/jetstream/direct-get.ts';
import { disposables } from '../support/disposables.ts';
import { type Effects, effectsIn } from '../support/effects.ts';
import { eventually } from '../support/eventually.ts';
import { openFleet, startCentral, startNode } from '../support/fleet.ts';
import { isLong } from '../support/long.ts';
import { startNats } from '../support/nats.ts';
import { type NodeProcess, startNodeProcess } from '../support/node-process.ts';
import { type LinkProxy, startProxy } from '../support/proxy.ts';
import { openRaw } from '../support/raw.ts';
import { tempDir } from '../support/temp.ts';

/**
 * Drives real nodes through every row of the table of fates: a node of its own for each row, whose link through a proxy is cut, or
 * which is killed, at exactly the moment that the row says. At the end the ledger, what the method left behind, and `why` have to
 * agree with the row. A node that dies is a process; one that is cut off, or there all the time, runs in this one, save in the long form.
 */

const rows = Object.entries(fateTable).flatMap(([fate, ofFate]) =>
	Object.entries(ofFate).map(([moment, expected]) => ({ fate, moment, expected }) as Row),
);
type Row = { readonly fate: Fate; readonly moment: Moment; readonly expected: Expected };

const parts = disposables();
let fleet: Fleet;
let port: number;
let raw: Awaited<ReturnType<typeof openRaw>>;

beforeAll(async () => {
	const nats = parts.use(await startNats());
	parts.use(await startCentral(nats.url));
	fleet = parts.use(await openFleet(nats.url));
	raw = parts.use(await openRaw(nats.url));
	port = nats.port;
});

afterAll(() => parts[Symbol.asyncDispose]());

/** One row under way. */
type Scene = {
	readonly row: Row;
	readonly node: string;
	readonly handle: string;
	readonly effects: Effects;
	readonly proxy: LinkProxy;
	/** Starts the node, again after it was killed. */
	boot(): Promise<AsyncDisposable & Partial<Pick<NodeProcess, 'kill'>>>;
};

const dies = ({ moment }: Row) => moment.startsWith('dies');

/** Clocks that run out, or that a busy machine does not run out of. */
function clocks({ moment, expected: { away } }: Row) {
	const isLost = away === 'lost';
	return {
		deliverWithin: moment === 'present' ? '60s' : '6s',
		runFor: isLost ? '2s' : '60s',
		patience: isLost ? '500ms' : '60s',
	} as const;
}

/** What the command does: it runs until its gate is open, and ends as its fate says. */
function formOf({ row, node, effects }: Scene): MessageForm {
	const { deliverWithin, runFor, patience } = clocks(row);
	const gate = effects.gate('end');
	const bodies: Record<Fate, string> = {
		...{ succeeds: gate, isCancelled: gate, isLate: gate, reruns: gate, isGivenUp: gate, isRefused: gate },
		fails: `${gate}; exit 3`,
		retries: `${gate}; [ $STEWARD_ATTEMPT -ge 2 ]`,
		timesOut: 'sleep 1000',
	};
	const policies: Record<Fate, Partial<MessageForm>> = {
		...{ succeeds: {}, fails: {}, isCancelled: {}, isRefused: {} },
		retries: { attempts: 2, backoff: { kind: 'fixed', initial: '50ms' } },
		timesOut: { runFor: '1s' },
		isLate: { deliverWithin },
		reruns: { onInterrupt: 'rerun', attempts: 3 },
		isGivenUp: { runFor, patience },
	};
	return {
		...{ toNode: node, kind: 'command', id: 'c', data: effects.shell('ran', bodies[row.fate]) },
		method: row.fate === 'isRefused' ? 'nothing' : 'shellCommand',
		...policies[row.fate],
	};
}

/** Runs the method's start to its end where the moment lies behind that; waits at it where it lies before. */
const endsBefore: readonly Moment[] = ['diesEnded', 'cutEnded'];

async function play(scene: Scene): Promise<void> {
	const { row, node, handle, effects, proxy } = scene;
	const { fate, moment, expected } = row;
	const claim = new RegExp(`steward\\.claim\\.${node}\\.c `);
	// The report of an end: those of starts and retries come before it.
	const end = new RegExp(`steward\\.report\\.${node}\\.c [^]*"event":"(?!started|retryDue)`);
	const send = () => fleet.send(formOf(scene));
	let ship = moment === 'absent' ? undefined : await scene.boot();
	if (ship) await eventually(async () => (await fleet.node(node))?.lanes.every(isReady));
	if (moment === 'present') {
		await send();
		if (fate === 'isCancelled') {
			await effects.reach(1);
			await fleet.cancel([handle]);
		}
		await effects.open('end');
		return;
	}
	if (moment === 'absent') await send();
	else if (moment.endsWith('Running')) {
		await send();
		await effects.reach(1);
	} else {
		if (endsBefore.includes(moment)) await effects.open('end');
		const pattern = endsBefore.includes(moment) ? end : claim;
		const tripped = proxy.tripAt(pattern, moment === 'diesClaimed' ? 'dropServerToClient' : 'hold');
		await send();
		await tripped;
		// Stored, and its node never hears so.
		if (moment === 'diesClaimed') {
			await eventually(() => getLast(raw.connection, streams.claims, subjects.claim(node, 'c')));
		}
	}
	if (dies(row)) await ship?.kill?.();
	proxy.cut();
	// What runs without a link goes on, and ends there.
	if (moment === 'cutRunning' && fate !== 'isCancelled') await effects.open('end');
	await whileAway(scene);
	await eventually(
		async () => {
			expect((await fleet.why(handle)).cause).toBe(await causeWhileAway(scene));
			return true;
		},
		{ message: `${node}: why says ${expected.away}` },
	);
	proxy.heal();
	if (dies(row) || moment === 'absent') ship = await scene.boot();
	if (fate !== 'isCancelled') await effects.open('end');
}

/** A node that has ended it may have said so before its report was held: `why` knows it then. */
async function causeWhileAway({ row, node, handle }: Scene): Promise<string | null> {
	const { away } = row.expected;
	const isOpen = away === 'nodeAway' || away === 'cancelAsked';
	if (!isOpen || !endsBefore.includes(row.moment)) return away;
	return (await fleet.node(node))?.unreported.includes(handle) ? 'unreported' : away;
}

function isReady({ status }: { status: string }): boolean {
	return status === 'ready';
}

/** What else happens to the command while its node cannot be reached. */
async function whileAway({ row, handle }: Scene): Promise<void> {
	if (row.fate === 'isCancelled') await fleet.cancel([handle], { timeoutMs: 1 });
	if (row.fate === 'isLate') {
		await eventually(async () => Date.parse((await fleet.get(handle))?.deadline ?? '') < Date.now());
	}
	const { away } = row.expected;
	if (away === 'expired' || away === 'lost') {
		await eventually(async () => (await fleet.get(handle))?.state === away);
	}
}

async function drive(row: Row): Promise<void> {
	await using dir = await tempDir('steward-fate-');
	await using proxy = await startProxy(port);
	const node = `${row.fate}-${row.moment}`;
	const nodeDir = join(dir.path, 'node');
	await mkdir(nodeDir);
	await using ships = disposables();
	const effects = effectsIn(dir.path);
	const handle = `${node}.c`;
	const scene: Scene = {
		...{ row, node, handle, effects, proxy },
		boot: async () =>
			ships.use(
				dies(row) || isLong
					? await startNodeProcess(proxy.url, node, nodeDir)
					: await startNode(proxy.url, node, { dataDir: nodeDir }),
			),
	};
	await play(scene);
	const [view] = await fleet.wait([handle], { timeoutMs: 60_000 });
	// Whatever became of it, its lane goes on; and what could still start would have started before this.
	await fleet.send({ toNode: node, kind: 'command', method: 'ping', id: 'after', data: null });
	expect((await fleet.wait([`${node}.after`], { timeoutMs: 60_000 }))[0]?.state).toBe('succeeded');
	const { expected } = row;
	if (expected.late) await eventually(async () => (await fleet.get(handle))?.late.length === 1);
	const last = await fleet.get(handle);
	expect({
		state: view?.state,
		runs: (await effects.words()).length,
		...(last?.late[0] ? { late: last.late[0].event } : {}),
		away: expected.away,
	}).toEqual(expected);
	expect(last?.state).toBe(view?.state);
	expect(last?.history.filter(({ late }) => !late).at(-1)?.state).toBe(expected.state);
	const told = await fleet.why(handle);
	expect(told.state).toBe(expected.state);
	expect(endCauses[expected.state]).toBe(told.cause);
	await ledgerAgrees(handle, expected);
}

const endCauses = {
	...{ succeeded: 'ended', failed: 'ended', timedOut: 'timedOut', interrupted: 'interrupted' },
	...{ cancelled: 'cancelled', expired: 'expired', rejected: 'refused', lost: 'lost' },
} as const;

/** As a centre wrote it down, and not only as the node said it. */
async function ledgerAgrees(handle: string, { state }: Expected): Promise<void> {
	const [node = ''] = handle.split('.');
	await eventually(
		async () => (await fleet.list({ node, states: [state] })).some((one) => one.handle === handle),
		{
			message: `the ledger calls ${handle} ${state}`,
		},
	);
}

/** Of these a node that dies makes what it makes of success, by the same ways: in the long form. */
const repeating: readonly Fate[] = ['fails', 'retries', 'timesOut', 'isRefused'];
const isRepetition = (row: Row) => dies(row) && repeating.includes(row.fate);

test.concurrent.each(rows.filter((row) => !isRepetition(row)))('$fate, $moment', drive);

(isLong ? test.concurrent : test.skip).each(rows.filter(isRepetition))('$fate, $moment', drive);

test('docs/what-became-of-my-command.md is what the table says (else: npm run docs)', async () => {
	const text = await readFile(new URL('../../docs/what-became-of-my-command.md', import.meta.url), 'utf8');
	expect(text).toBe(fateDocument());
});
