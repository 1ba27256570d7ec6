import { afterAll, beforeAll, expect, test } from 'vitest';
import type { CentreWindow } from '../../src/central/central.ts';
import { buckets, streams } from '../../src/domain/subject.ts';
import { problemSchema } from '../../src/http/problem.ts';
import { bucketSubject } from '../../src/jetstream/bucket.ts';
import { disposables } from '../support/disposables.ts';
import { stop } from '../support/effects.ts';
import { eventually } from '../support/eventually.ts';
import { startCentral, startNode } from '../support/fleet.ts';
import { type StartedHttp, startHttp } from '../support/http.ts';
import { type Nats, startNats } from '../support/nats.ts';
import { startProxy } from '../support/proxy.ts';
import { openRaw } from '../support/raw.ts';
import { Contract, type Sample } from './contract-document.ts';
import { message, ofBroken, samples, schedule } from './contract-samples.ts';

const over = disposables();
let nats: Nats;
let http: StartedHttp;
let contract: Contract;
/** The centre's own; with another connection where that is to fail. */
let window: CentreWindow | undefined;
let own: CentreWindow | undefined;

beforeAll(async () => {
	nats = over.use(await startNats());
	const central = over.use(await startCentral(nats.url));
	own = central.part.window;
	over.use(await startNode(nats.url, 'ship1'));
	http = over.use(await startHttp(() => window ?? own));
	contract = new Contract((await http.ask('/openapi.json')).json);
	const post = async (path: string, body: object = {}, method = 'POST') => {
		const { status, text } = await http.ask(path, { method, body });
		expect([path, status, text.slice(0, 300)]).toEqual([
			path,
			expect.toBeOneOf([200, 201]),
			expect.anything(),
		]);
	};
	for (const id of ['waits', 'newer']) await post('/commands', { ...message, toNode: 'ship2', id });
	for (const toNode of ['sold', 'selling']) await post('/commands', { ...message, toNode });
	await post('/commands', { ...message, id: 'done' });
	await post('/commands', { ...message, method: 'nothing', id: 'dead' });
	for (const name of ['pausing', 'paused', 'removing', 'running', 'newer'])
		await post(`/schedules/${name}`, { ...schedule, name }, 'PUT');
	await post('/schedules/paused/pause');
	await post('/nodes/sold/decommission');
	await eventually(async () => (await http.ask('/dead')).text.includes('"nothing"'));
	await eventually(async () => (await http.ask('/commands/ship1.done')).text.includes('"succeeded"'));
});
afterAll(() => over[Symbol.asyncDispose]());

const having = (status: number) =>
	contract.operations.filter(({ statuses }) => statuses.includes(status)).map(({ id }) => id);

function sampleOf(id: string, instead: Readonly<Record<string, Sample>>): Sample {
	return { ...samples[id], ...instead[id] };
}

/** What is there, of each kind, for what the samples name. */
const there: Readonly<Record<string, Sample>> = {
	cancelCommand: { params: { handle: 'ship2.waits' } },
	retryCommand: { params: { handle: 'ship1.done' } },
	decommissionNode: { params: { node: 'selling' } },
	recommissionNode: { params: { node: 'sold' } },
	removeSchedule: { params: { name: 'removing' } },
	pauseSchedule: { params: { name: 'pausing' } },
	resumeSchedule: { params: { name: 'paused' } },
	runSchedule: { params: { name: 'running' } },
	putSchedule: { params: { name: 'put' }, body: { ...schedule, name: 'put' } },
};

test('504: what was asked for is on the disk of the broker, the answer was swallowed by the link, and the link is given up', async () => {
	await using links = disposables();
	for (const id of having(504)) {
		const proxy = links.use(await startProxy(nats.port));
		const { connection } = links.use(await openRaw(proxy.url));
		if (own) window = { ...own, connection };
		const isWritten = proxy.tripAt(/HPUB (steward\.|\$KV\.)/, 'dropServerToClient');
		const asking = contract.ask(http, id, sampleOf(id, there));
		await Promise.race([isWritten, asking]);
		await connection.nc.close();
		const { status, json } = await asking;
		expect([id, status, json]).toMatchObject([id, 504, { code: 'ambiguous' }]);
	}
	window = undefined;
});

/** What a newer program has written in their place. */
const newer: Readonly<Record<string, Sample>> = {
	send: { body: { ...message, toNode: 'ship2', id: 'newer' } },
	addSchedule: { body: { ...schedule, name: 'newer' } },
	putSchedule: { params: { name: 'newer' }, body: { ...schedule, name: 'newer' } },
};

test('500: records that a newer steward has written', async () => {
	await using raw = await openRaw(nats.url);
	const keys = [
		bucketSubject(buckets.ledger, 'ship2.newer'),
		bucketSubject(buckets.schedules, 'newer'),
		...['trust', 'access'].map((kind) => bucketSubject(buckets.trust, kind)),
	];
	for (const key of keys) await raw.js.publish(key, JSON.stringify({ v: 2 }));
	await eventually(() => own?.index.schedules.unreadable.has('newer') === true);
	for (const id of having(500)) {
		const params = id.endsWith('Schedule') ? { name: 'newer' } : { handle: 'ship2.newer' };
		const { status, json } = await contract.ask(http, id, sampleOf(id, { [id]: { params, ...newer[id] } }));
		expect([id, status, json]).toMatchObject([id, 500, { code: 'schema-newer' }]);
	}
});

test('500 without a word of the inside: a stream that somebody has removed below the centre', async () => {
	await using raw = await openRaw(nats.url);
	await raw.jsm.streams.delete(streams.dead);
	const { status, json, text } = await http.ask('/dead');
	expect([status, problemSchema.parse(json).code]).toEqual([500, 'defect']);
	expect(text).not.toMatch(/STEWARD|stream|\.ts/);
});

test('a broker that does not answer is said to be that, by whatever asks it', async () => {
	try {
		await stop(nats.pid);
		const reading = ['listStreams', 'getCommand', 'listDead', 'formOfSchedule', 'trustList'];
		const params = { handle: 'ship2.waits', name: 'running' };
		const asked = reading.map(async (id) => ({
			id,
			answer: await contract.ask(http, id, { ...samples[id], params }),
		}));
		for (const { id, answer } of await Promise.all(asked))
			expect([id, answer.status, answer.json]).toMatchObject([id, 503, { code: 'no-broker' }]);
	} finally {
		process.kill(nats.pid, 'SIGCONT');
	}
});

test('every such status that the document knows was answered', () => {
	expect(ofBroken.flatMap(having).length).toBeGreaterThan(20);
	expect(contract.unasked((status) => ofBroken.includes(status))).toEqual([]);
});
