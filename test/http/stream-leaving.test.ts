import { headers } from '@nats-io/transport-node';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Clock, systemClock } from '../../src/base/clock.ts';
import type { Fleet } from '../../src/client/fleet.ts';
import { type Changes, changesSchema } from '../../src/domain/row-schema.ts';
import type { Connection } from '../../src/jetstream/connection.ts';
import { DeadLetters, type NewDeadLetter } from '../../src/jetstream/dead-letters.ts';
import { disposables } from '../support/disposables.ts';
import { openStream, type StreamAnswer, type StreamEvent } from '../support/event-stream.ts';
import { eventually } from '../support/eventually.ts';
import { openFleet, startCentral, startNode } from '../support/fleet.ts';
import { type StartedHttp, startHttp } from '../support/http.ts';
import { startNats } from '../support/nats.ts';
import { openRaw } from '../support/raw.ts';
import { tempDir } from '../support/temp.ts';

/** Beats come every half a second. */
const hurried: Clock = { ...systemClock, after: (ms, fn) => systemClock.after(ms / 20, fn) };

const over = disposables();
let central: Awaited<ReturnType<typeof startCentral>>;
let http: StartedHttp;
let fleet: Fleet;
let letters: DeadLetters;
let raw: Connection;

beforeAll(async () => {
	const nats = over.use(await startNats());
	central = over.use(await startCentral(nats.url, { eventDeliverWithinMs: 500, sweepEveryMs: 100 }));
	http = over.use(await startHttp(() => central.part.window, { clock: hurried }));
	over.use(await startNode(nats.url, 'ship1', { node: { labels: { role: 'tug' } } }));
	fleet = over.use(await openFleet(nats.url));
	raw = over.use(await openRaw(nats.url)).connection;
	letters = new DeadLetters(raw);
	await eventually(async () => (await fleet.nodes()).some(({ presence }) => presence === 'present'));
});
afterAll(() => over[Symbol.asyncDispose]());

const stream = (query: string, lastEventId?: string) =>
	openStream(`${http.url}/api/v1/stream?${query}`, { lastEventId });

function changesOf({ event, data }: StreamEvent): Changes | undefined {
	return event === 'changes' ? changesSchema.parse(JSON.parse(data)) : undefined;
}

/** Of an event that its node would take, were it sent again. */
const letter = (id: string): NewDeadLetter => ({
	...({ node: 'ship1', kind: 'event', method: 'textLogging', id, sender: 'ship2' } as const),
	...{ at: Date.now(), attempts: 1, fault: { code: 'threw', message: 'x' }, message: '"x"', origin: id },
});
function marker() {
	const deleted = headers();
	deleted.set('KV-Operation', 'DEL');
	return deleted;
}

const said = (open: StreamAnswer) => open.events.flatMap((event) => changesOf(event) ?? []);
const lastId = (open: StreamAnswer) => open.events.findLast(({ id }) => id !== undefined)?.id;

test('a reader of dead letters is told of each that comes, is sent again or goes, also by hands that are not ours', async () => {
	await using open = await stream('topics=dead');
	const told = (letters: number, from = 0) =>
		open.event((event) => changesOf(event)?.dead?.letters === letters, from);
	await open.event(({ event }) => event === 'hello');
	for (const id of ['a', 'b']) await letters.write(letter(id));
	await told(2);
	const [b, a] = await fleet.dead.list();
	let before = open.events.length;
	expect(await fleet.dead.replay({ seqs: [a?.seq ?? 0] })).toMatchObject([{ outcome: 'replayed' }]);
	await told(2, before);
	await fleet.dead.discard({ seqs: [b?.seq ?? 0] });
	await told(1);
	before = open.events.length;
	// Nobody takes it, and so it becomes one by itself.
	await fleet.send({ toNode: 'absent', kind: 'event', method: 'textLogging', data: 'x' });
	await told(2, before);
	expect(
		said(open).flatMap(({ commands, nodes, schedules }) => [...commands, ...nodes, ...schedules]),
	).toEqual([]);
});

test('the set of dead letters is followed from a position through another server, and told only where it is another', async () => {
	await using open = await stream('topics=dead');
	await open.event(({ event }) => event === 'beat');
	const seen = lastId(open);
	await letters.write(letter('c'));
	await open.event((event) => changesOf(event)?.dead !== undefined);
	const after = lastId(open);
	await using other = await startHttp(() => central.part.window, { clock: hurried });
	const url = `${other.url}/api/v1/stream?topics=dead`;
	await using behind = await openStream(url, { lastEventId: seen });
	await behind.event((event) => changesOf(event)?.dead !== undefined);
	await using upToDate = await openStream(url, { lastEventId: after });
	await upToDate.event(({ event }) => event === 'beat', 0);
	expect([said(upToDate), upToDate.events.filter(({ event }) => event === 'reset')]).toEqual([[], []]);
	await fleet.dead.discard({ node: 'ship1' });
	await upToDate.event((event) => changesOf(event)?.dead !== undefined);
});

test('a reader of some labels is told which nodes fit them no more, also after another server took over', async () => {
	const nats = over.use(await startNats());
	await using own = await startCentral(nats.url);
	await using first = await startHttp(() => own.part.window);
	const url = '/api/v1/stream?topics=nodes,commands&where=role=tug';
	await using open = await openStream(`${first.url}${url}`);
	const isTug = (event: StreamEvent) => changesOf(event)?.nodes.some(({ node }) => node === 'ship2') === true;
	const isGone = (event: StreamEvent) => changesOf(event)?.gone?.nodes.includes('ship2') === true;
	await using dir = await tempDir('steward-labels-');
	const begin = (role: string) =>
		startNode(nats.url, 'ship2', { dataDir: dir.path, node: { labels: { role } } });
	const tug = await begin('tug');
	await open.event(isTug);
	const seen = lastId(open);
	await tug[Symbol.asyncDispose]();
	await using _ferry = await begin('ferry');
	await open.event(isGone);
	await using second = await startHttp(() => own.part.window);
	await using resumed = await openStream(`${second.url}${url}`, { lastEventId: seen });
	await resumed.event(isGone);
	expect(said(resumed).flatMap(({ nodes }) => nodes)).toEqual([]);
});

test('a reader of commands is told what has left the ledger, by age and by hand', async () => {
	const send = async (id: string) => {
		await fleet.send({ toNode: 'ship1', kind: 'command', method: 'ping', id });
		await fleet.wait([`ship1.${id}`], { timeoutMs: 30_000 });
	};
	await using open = await stream('topics=commands');
	await using nodes = await stream('topics=nodes');
	const isGone = (id: string) => (event: StreamEvent) =>
		changesOf(event)?.gone?.commands.includes(`ship1.${id}`) === true;
	const hasEnded = (wanted: string) => (event: StreamEvent) =>
		changesOf(event)?.commands.some(({ handle, endedAt }) => handle === wanted && endedAt !== null) === true;
	await send('byHand');
	await open.event(hasEnded('ship1.byHand'));
	await raw.jsm.streams.purge('KV_steward-ledger', { filter: '$KV.steward-ledger.ship1.byHand' });
	await raw.js.publish('$KV.steward-ledger.ship1.byHand', '', { headers: marker() });
	await open.event(isGone('byHand'));
	await send('byAge');
	await open.event(hasEnded('ship1.byAge'));
	central.part.window?.index.prune(Date.now() + 31 * 86_400_000);
	const last = await open.event(isGone('byAge'));
	expect(changesOf(last)?.gone).toMatchObject({ nodes: [], unnamed: false });
	expect(said(nodes).flatMap(({ gone }) => gone ?? [])).toEqual([]);
});
