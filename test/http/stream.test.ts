import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Clock, systemClock } from '../../src/base/clock.ts';
import type { CentreWindow } from '../../src/central/central.ts';
import type { Fleet } from '../../src/client/fleet.ts';
import type { Changes } from '../../src/domain/row-schema.ts';
import { changesSchema } from '../../src/domain/row-schema.ts';
import { seriesSchema } from '../../src/http/live/series-view.ts';
import { openStream, type StreamAnswer, type StreamEvent } from '../support/event-stream.ts';
import { eventually } from '../support/eventually.ts';
import { openFleet, type Started, type StartedNode, startCentral, startNode } from '../support/fleet.ts';
import { type StartedHttp, startHttp } from '../support/http.ts';
import { stressLifecycle } from '../support/lifecycle.ts';
import { type Nats, startNats } from '../support/nats.ts';

/** Beats come every half a second. */
const hurried: Clock = { ...systemClock, after: (ms, fn) => systemClock.after(ms / 20, fn) };

let nats: Nats;
let central: Started<{ readonly window: CentreWindow | undefined; stop(): Promise<void> }>;
let http: StartedHttp;
let node: StartedNode;
let fleet: Fleet;

beforeAll(async () => {
	nats = await startNats();
	central = await startCentral(nats.url);
	http = await startHttp(() => central.part.window, { clock: hurried });
	node = await startNode(nats.url, 'ship1', { node: { labels: { role: 'tug' } } });
	fleet = await openFleet(nats.url);
	await eventually(async () => (await fleet.nodes()).some(({ presence }) => presence === 'present'));
});
afterAll(async () => {
	for (const one of [fleet, node, http, central, nats]) await one?.[Symbol.asyncDispose]();
});

const stream = (query = '', lastEventId?: string) =>
	openStream(`${http.url}/api/v1/stream${query}`, { lastEventId });

function changesOf({ event, data }: StreamEvent): Changes | undefined {
	return event === 'changes' ? changesSchema.parse(JSON.parse(data)) : undefined;
}

function rowsOf(answer: StreamAnswer, handle: string) {
	return answer.events
		.flatMap((event) => changesOf(event)?.commands ?? [])
		.filter((row) => row.handle === handle);
}

async function send(toNode: string, script = 'true'): Promise<string> {
	const [receipt] = await fleet.send({
		...{ toNode, commandOrEvent: 'command', method: 'shellCommand', data: ['bash', '-c', script] },
	});
	return receipt?.handle ?? '';
}

test('says hello at once, and then each state of a command, its node and the totals, in frames that the schema knows', async () => {
	await using open = await stream();
	expect(open.status).toBe(200);
	expect(open.headers['content-type']).toBe('text/event-stream; charset=utf-8');
	const hello = await open.event(({ event }) => event === 'hello');
	expect(hello.id).toBe(JSON.parse(hello.data).position);
	const handle = await send('ship1');
	await open.event((event) => changesOf(event)?.commands.some(({ state }) => state === 'succeeded') === true);
	const states = rowsOf(open, handle).map(({ state }) => state);
	expect(states.at(-1)).toBe('succeeded');
	expect(new Set(states).size).toBe(states.length);
	const last = open.events.findLast(({ event }) => event === 'changes');
	expect(last && changesOf(last)?.totals.commands.succeeded).toBeGreaterThan(0);
	expect(open.events.flatMap((event) => changesOf(event)?.nodes ?? []).map((row) => row.node)).toContain(
		'ship1',
	);
});

test('the position of the rows and of the totals is continued without a gap', async () => {
	for (const path of ['/nodes/rows', '/totals']) {
		const { json } = await http.ask(path);
		const { position } = json as { position: string };
		const handle = await send('absent');
		await eventually(async () => (await fleet.queue('absent')).some((one) => one.handle === handle));
		await using open = await stream(`?after=${position}`);
		const event = await open.event((one) => changesOf(one) !== undefined);
		expect(changesOf(event)?.commands.map((row) => row.handle)).toEqual([handle]);
		expect(changesOf(event)?.nodes.find((row) => row.node === 'absent')?.queued).toBeGreaterThan(0);
	}
});

test('filters: topics, node, method, state and labels; what nobody wants is no event, and a beat moves the position on', async () => {
	await using onlyNodes = await stream('?topics=nodes&node=ship1');
	await using queued = await stream('?topics=commands&state=queued&node=elsewhere');
	await using tugs = await stream('?topics=commands&where=role=tug&method=shellCommand');
	await using none = await stream('?topics=commands&method=other');
	const [onTug, elsewhere] = [await send('ship1'), await send('elsewhere')];
	await tugs.event((event) => changesOf(event)?.commands.some(({ state }) => state === 'succeeded') === true);
	await queued.event((event) => changesOf(event)?.commands.some((row) => row.handle === elsewhere) === true);
	await fleet.cancel([elsewhere]);
	await queued.event(
		(event) => changesOf(event)?.commands.some(({ state }) => state === 'cancelled') === true,
	);
	const handles = (answer: StreamAnswer) =>
		new Set(answer.events.flatMap((event) => changesOf(event)?.commands ?? []).map((row) => row.handle));
	expect(handles(tugs)).toEqual(new Set([onTug]));
	expect(handles(queued)).toEqual(new Set([elsewhere]));
	expect(handles(onlyNodes)).toEqual(new Set());
	expect(
		new Set(onlyNodes.events.flatMap((event) => changesOf(event)?.nodes ?? []).map((row) => row.node)),
	).toEqual(new Set(['ship1']));
	expect(none.events.filter(({ event }) => event === 'changes')).toEqual([]);
	const beat = await none.event(({ event }) => event === 'beat');
	expect(beat.id).not.toBe(none.events[0]?.id);
	expect(JSON.parse(beat.data)).toMatchObject({ broker: true });
});

test.each([
	['a path', '../../etc/passwd'],
	['too much', 'a.'.repeat(4000)],
	['nonsense', 'null'],
])('a Last-Event-ID that is no position is answered by a reset: %s', async (_what, lastEventId) => {
	await using open = await stream('', lastEventId);
	const reset = await open.event(({ event }) => event === 'reset');
	expect(open.events[0]?.event).toBe('hello');
	const handle = await send('absent');
	await open.event((event) => changesOf(event)?.commands.some((row) => row.handle === handle) === true);
	expect(JSON.parse(reset.data).position).toBe(reset.id);
});

test('positions of another fleet, and of a time that never was, are answered by a reset', async () => {
	const { json } = await http.ask('/totals');
	const { position } = json as { position: string };
	const [own = '', ...rest] = position.split('.');
	await using other = await stream('', [`${own.slice(1)}1`, ...rest].join('.'));
	await other.event(({ event }) => event === 'reset');
	await using ahead = await stream('', [own, rest[0], rest[1], 'zzzzzzzzz', ...rest.slice(3)].join('.'));
	await ahead.event(({ event }) => event === 'reset');
	await using here = await stream('', position);
	await send('absent');
	await here.event(({ event }) => event === 'changes');
	expect(here.events.map(({ event }) => event)).not.toContain('reset');
});

test('what cannot be a filter is refused before it begins', async () => {
	for (const query of ['?topics=all', '?state=sleeping', '?node=a.b', '?where=tug', '?unknown=1']) {
		const { status, json } = await http.ask(`/stream${query}`);
		expect([status, (json as { code: string }).code]).toEqual([400, 'invalid']);
	}
});

test('a centre answers rows and totals over the broker as the window does', async () => {
	const { json } = await http.ask('/nodes/rows');
	const { items } = json as { items: { node: string }[] };
	const rows = await fleet.nodeRows();
	expect(rows.map(({ node }) => node)).toEqual(items.map(({ node }) => node).sort());
	expect(rows.find((row) => row.node === 'ship1')).toMatchObject({ presence: 'present', version: 'test' });
	expect((await fleet.totals()).nodes.known).toBe(rows.length);
});

test('series say since when, and take no time that is none', async () => {
	const { json } = await http.ask('/series?window=15m');
	expect(seriesSchema.parse(json).points.at.length).toBeGreaterThan(0);
	for (const window of ['25h', '0s', 'soon']) {
		expect((await http.ask(`/series?window=${window}`)).status).toBe(400);
	}
});

test('where there is no centre any more, its readers are sent away, and those who come are told', async () => {
	let window: CentreWindow | undefined = central.part.window;
	await using other = await startHttp(() => window);
	await using open = await openStream(`${other.url}/api/v1/stream`);
	await open.event(({ event }) => event === 'hello');
	window = undefined;
	await open.ended;
	const { status, json } = await other.ask('/stream');
	expect([status, (json as { code: string }).code]).toEqual([503, 'no-broker']);
});

test('the window may be started and stopped by anybody, with somebody on its stream', async () => {
	await using other = await startHttp(() => central.part.window);
	await using open = await openStream(`${other.url}/api/v1/stream`);
	await open.event(({ event }) => event === 'hello');
	await stressLifecycle(() => other.server, { rounds: 4 });
	await open.ended;
});
