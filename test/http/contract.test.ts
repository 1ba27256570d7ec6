import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { addToken } from '../../src/security/tokens.ts';
import { disposables } from '../support/disposables.ts';
import { eventually } from '../support/eventually.ts';
import { type Started, startCentral, startNode } from '../support/fleet.ts';
import { type StartedHttp, startHttp } from '../support/http.ts';
import { startNats } from '../support/nats.ts';
import { Contract, type Sample } from './contract-document.ts';
import { message, ofBroken, samples, schedule } from './contract-samples.ts';

const over = disposables();
let contract: Contract;
/** Without a broker; with tokens, and one token of each role. */
let bare: StartedHttp;
let guarded: StartedHttp;
const tokens: Record<string, string> = {};
const bearer = (role: 'operator' | 'viewer') => ({ authorization: `Bearer ${tokens[role]}` });

beforeAll(async () => {
	bare = over.use(await startHttp(() => undefined));
	guarded = over.use(await startHttp(() => undefined));
	contract = new Contract((await bare.ask('/openapi.json')).json);
	for (const role of ['operator', 'viewer'] as const) {
		const { token } = await addToken(guarded.tokensFile, {
			name: role,
			role,
			expiresAt: null,
			now: Date.now(),
		});
		tokens[role] = token;
	}
});
afterAll(() => over[Symbol.asyncDispose]());

const sampleOf = (id: string): Sample => {
	const sample = samples[id];
	if (sample) return sample;
	throw new Error(`${id} has no sample: write one into test/http/contract-samples.ts`);
};

test('the document is OpenAPI 3.1, each operation has a name of its own, and each has a sample', async () => {
	const { json } = await bare.ask('/openapi.json');
	expect(json).toMatchObject({ openapi: '3.1.0', info: { title: 'steward' } });
	const ids = contract.operations.map(({ id }) => id);
	expect(new Set(ids).size).toBe(ids.length);
	expect(ids.toSorted()).toEqual(Object.keys(samples).toSorted());
	const text = JSON.stringify(json);
	const refs = new Set([...text.matchAll(/"#\/components\/schemas\/(\w+)"/g)].map(([, name]) => name));
	const { components } = json as { components: { schemas: object } };
	expect(Object.keys(components.schemas).toSorted()).toEqual([...refs].toSorted());
});

describe('of what can go wrong with every request', () => {
	const having = (status: number) => contract.operations.filter(({ statuses }) => statuses.includes(status));

	test('400: no JSON, or a name or a filter that is none', async () => {
		for (const { id, hasBody, path } of having(400)) {
			const sample = sampleOf(id);
			const params = Object.fromEntries(Object.keys(sample.params ?? {}).map((key) => [key, '~']));
			const wrong = hasBody
				? { ...sample, body: '{' }
				: path.includes('{')
					? { ...sample, params }
					: { ...sample, query: { nothing: '1' } };
			const { status, json } = await contract.ask(bare, id, wrong);
			expect([id, status, json]).toMatchObject([id, 400, { code: 'invalid' }]);
		}
	});

	test('401: no token', async () => {
		for (const { id } of having(401)) {
			const { status, json } = await contract.ask(guarded, id, sampleOf(id));
			expect([id, status, json]).toMatchObject([id, 401, { code: 'unauthorized' }]);
		}
	});

	test('403: another name of the server, and a viewer who wants to change something', async () => {
		for (const { id, method, statuses } of having(403)) {
			const asked = await contract.askAs(bare, 'evil.example', id, sampleOf(id));
			expect([id, asked.status, asked.json]).toMatchObject([id, 403, { code: 'forbidden' }]);
			if (method === 'GET' || !statuses.includes(401)) continue;
			if (id === 'signIn') continue;
			const denied = await contract.ask(guarded, id, { ...sampleOf(id), headers: bearer('viewer') });
			expect([id, denied.status, denied.json]).toMatchObject([id, 403, { code: 'denied' }]);
		}
	});

	test('413: too large', async () => {
		const body = `"${'x'.repeat(4 * 1024 * 1024)}"`;
		for (const { id } of having(413)) {
			const { status } = await contract.ask(bare, id, { ...sampleOf(id), body });
			expect([id, status]).toEqual([id, 413]);
		}
	});

	test('429: too many', async () => {
		await using hurried = await startHttp(() => undefined, { http: { requestsPerMinute: 1 } });
		await hurried.ask('/session');
		for (const { id } of having(429)) {
			const { status } = await contract.ask(hurried, id, sampleOf(id));
			expect([id, status]).toEqual([id, 429]);
		}
	});

	test('503: no broker', async () => {
		for (const { id } of having(503)) {
			const { status, json } = await contract.ask(bare, id, sampleOf(id));
			expect([id, status, json]).toMatchObject([id, 503, { code: 'no-broker' }]);
		}
	});
});

test('signing in, with a token that counts and one that does not, and out', async () => {
	const token = tokens.operator;
	expect((await contract.ask(guarded, 'signIn', { body: { token } })).json).toMatchObject({
		role: 'operator',
	});
	expect((await contract.ask(guarded, 'signIn', { body: { token: 'x' } })).status).toBe(401);
	expect((await contract.ask(guarded, 'signOut')).json).toMatchObject({ role: null });
	expect((await contract.ask(guarded, 'getSession')).json).toMatchObject({ auth: 'token' });
});

describe('on a real broker, with a centre and a node', () => {
	let http: StartedHttp;
	let central: Started<Awaited<ReturnType<typeof startCentral>>['part']>;
	const own = disposables();

	beforeAll(async () => {
		const nats = own.use(await startNats());
		central = own.use(await startCentral(nats.url));
		own.use(await startNode(nats.url, 'ship1'));
		http = own.use(await startHttp(() => central.part.window));
	});
	afterAll(() => own[Symbol.asyncDispose]());

	/** Asks what the sample says, save for what is said here; fails at another status. */
	async function ask(id: string, status: number, sample: Sample = {}): Promise<unknown> {
		const answer = await contract.ask(http, id, { ...sampleOf(id), ...sample });
		expect([id, answer.status, answer.text.slice(0, 500)]).toEqual([id, status, expect.anything()]);
		return answer.json;
	}
	const of = (handle: string): Sample => ({ params: { handle } });
	const items = (json: unknown) => (json as { items: Record<string, unknown>[] }).items;
	const send = async (form: object, status = 201) =>
		String(items(await ask('send', status, { body: { ...message, ...form } }))[0]?.handle);
	const ended = (handle: string, state: string) =>
		eventually(async () => ((await ask('getCommand', 200, of(handle))) as { state: string }).state === state);

	test('commands: sent, repeated, read, called off, sent again', async () => {
		const body = { ...message, method: 'shellCommand', data: ['sh', '-c', 'echo out; echo err >&2'] };
		const headers = { 'idempotency-key': 'one' };
		await ask('send', 201, { body, headers });
		await ask('send', 200, { body, headers });
		await ask('send', 409, { body: message, headers });
		const reach = await ask('send', 200, {
			body: [body, { ...message, toNode: 'ship2' }],
			query: { dryRun: 'true' },
		});
		expect(reach).toMatchObject({ present: 1, absent: 0, unknown: 1 });
		await ended('ship1.one', 'succeeded');
		const done = of('ship1.one');
		expect(items(await ask('historyOfCommand', 200, done)).at(-1)).toMatchObject({ state: 'succeeded' });
		expect(await ask('whyCommand', 200, done)).toMatchObject({ cause: 'ended' });
		const { form } = (await ask('messageOfCommand', 200, done)) as { form: object };
		expect(form).toMatchObject({ toNode: 'ship1', method: 'shellCommand', data: body.data });
		await ask('send', 201, { body: form });
		const pieces = await contract.ask(http, 'outputOfCommand', { ...done, query: { follow: 'true' } });
		expect(pieces.text).toContain('"data":"err\\n"');
		const accept = { accept: 'text/plain' };
		expect((await contract.ask(http, 'outputOfCommand', { ...done, headers: accept })).text).toBe('out\n');
		const stderr = { ...done, headers: accept, query: { stream: 'stderr' } };
		expect((await contract.ask(http, 'outputOfCommand', stderr)).text).toBe('err\n');
		const file = { ...done, query: { stream: 'stderr', download: 'true' } };
		const saved = await contract.ask(http, 'outputOfCommand', file);
		expect(saved.text).toBe('err\n');
		expect(saved.headers.get('content-disposition')).toBe('attachment; filename="ship1.one.stderr.txt"');
		for (const id of [
			'getCommand',
			'whyCommand',
			'historyOfCommand',
			'messageOfCommand',
			'outputOfCommand',
			'cancelCommand',
			'retryCommand',
		])
			await ask(id, 404);
		const waiting = await send({ toNode: 'ship2' });
		await ask('retryCommand', 409, of(waiting));
		expect(await ask('cancelCommand', 200, of(waiting))).toMatchObject({
			answer: 'beforeStart',
			command: { closed: { reason: 'a test' } },
		});
		await ask('retryCommand', 201, of(waiting));
		await eventually(
			async () =>
				items(await ask('listCommands', 200, { query: { node: 'ship2', state: 'queued' } })).length === 1,
		);
		const chosen = { body: { filter: { node: 'ship2' }, dryRun: true } };
		expect(items(await ask('cancelCommands', 200, chosen))).toHaveLength(1);
		expect(items(await ask('cancelCommands', 200, { body: { filter: { node: 'ship2' } } }))).toMatchObject([
			{ ok: true, answer: { answer: 'beforeStart' } },
		]);
		const some = { body: { handles: [waiting, 'ship2.nothing'] } };
		expect(items(await ask('retryCommands', 200, some))).toMatchObject([
			{ ok: true, receipt: {} },
			{ ok: false, problem: { code: 'not-found' } },
		]);
	});

	test('lists go on from page to page, and are narrowed', async () => {
		const handles: string[] = [];
		for (let count = 0; count < 5; count++) handles.unshift(await send({ toNode: 'pages' }));
		const found: unknown[] = [];
		await eventually(
			async () => items(await ask('listCommands', 200, { query: { node: 'pages' } })).length === 5,
		);
		for (let cursor: string | null = ''; cursor !== null; ) {
			const query = { node: 'pages', limit: '2', ...(cursor && { cursor }) };
			const page = (await ask('listCommands', 200, { query })) as {
				items: { handle: string }[];
				next: string | null;
			};
			found.push(...page.items.map(({ handle }) => handle));
			cursor = page.next;
		}
		expect(found).toEqual(handles);
		const [newest = ''] = handles;
		const search = newest.slice(-12).toLowerCase();
		expect(items(await ask('listCommands', 200, { query: { search } }))).toMatchObject([{ handle: newest }]);
		expect(items(await ask('listCommands', 200, { query: { node: 'pages', since: '1h' } }))).toHaveLength(5);
		expect(items(await ask('listQueues', 200))[0]).toMatchObject({ node: 'pages', queued: 5, running: 0 });
		expect(
			items(await ask('queueOfNode', 200, { params: { node: 'pages' } })).map(({ handle }) => handle),
		).toEqual(handles.toReversed());
	});

	test('nodes: seen, held back, made to go on, taken out of service and back', async () => {
		expect(items(await ask('listNodes', 200, { query: { presence: 'present' } }))).toMatchObject([
			{ node: 'ship1' },
		]);
		expect(items(await ask('listNodes', 200))).toEqual([]);
		expect(await ask('getNode', 200)).toMatchObject({ node: 'ship1', presence: 'present' });
		await ask('getNode', 404, { params: { node: 'nobody' } });
		expect(items(await ask('listMethods', 200)).map(({ name }) => name)).toContain('ping');
		await ask('listNodeRows', 200);
		await ask('totals', 200);
		await ask('series', 200);
		await ask('stream', 200);
		const holds = ['pauseNode', 'stopMethod', 'drainNode', 'resumeNode'];
		for (const id of holds) {
			const { handle } = (await ask(id, 201)) as { handle: string };
			await ended(handle, 'succeeded');
		}
		await ask(
			'messageOfCommand',
			404,
			of(String(items(await ask('listCommands', 200, { query: { method: 'pause' } }))[0]?.handle)),
		);
		await ask('decommissionNode', 404, { params: { node: 'nobody' } });
		await send({ toNode: 'sold' });
		const sold = { params: { node: 'sold' } };
		expect(await ask('decommissionNode', 200, { ...sold, body: { reason: 'sold' } })).toMatchObject({
			node: 'sold',
			cancelled: 1,
		});
		for (const id of holds) expect(await ask(id, 409, sold)).toMatchObject({ code: 'refused' });
		expect(await ask('recommissionNode', 200, sold)).toEqual({ node: 'sold', recommissioned: true });
		expect(await ask('recommissionNode', 200, sold)).toEqual({ node: 'sold', recommissioned: false });
	});

	test('schedules: previewed, added, changed, paused, run, removed', async () => {
		for (const id of [
			'getSchedule',
			'ticksOfSchedule',
			'historyOfSchedule',
			'formOfSchedule',
			'removeSchedule',
			'pauseSchedule',
			'resumeSchedule',
			'runSchedule',
		])
			await ask(id, 404);
		expect(await ask('previewSchedule', 200)).toMatchObject({ outcome: 'valid', next: { length: 10 } });
		const wrong = await ask('previewSchedule', 400, {
			body: { ...schedule, cron: 'x', every: '1h', colour: 1 },
		});
		expect((wrong as { problems: string[] }).problems.length).toBeGreaterThan(1);
		const deep = `${'['.repeat(50_000)}${']'.repeat(50_000)}`;
		const body = `{"name":"x","every":"1h","toNode":"a","message":{"method":"ping","data":${deep}}}`;
		await ask('previewSchedule', 400, { body });
		await ask('addSchedule', 201);
		await ask('addSchedule', 200);
		await ask('addSchedule', 409, { body: { ...schedule, cron: '0 4 * * *' } });
		const { name: _, ...unnamed } = schedule;
		expect(await ask('putSchedule', 200, { body: { ...unnamed, cron: '0 4 * * *' } })).toMatchObject({
			outcome: 'changed',
		});
		await ask('putSchedule', 400, { body: { ...schedule, name: 'other' } });
		await eventually(async () => items(await ask('listSchedules', 200)).length === 1);
		expect(await ask('getSchedule', 200)).toMatchObject({ cron: '0 4 * * *' });
		expect(items(await ask('ticksOfSchedule', 200))).toHaveLength(3);
		expect(await ask('formOfSchedule', 200)).toEqual({ ...schedule, cron: '0 4 * * *' });
		expect(await ask('pauseSchedule', 200, { body: { reason: 'a test' } })).toMatchObject({
			outcome: 'paused',
		});
		expect(await ask('resumeSchedule', 200)).toMatchObject({ outcome: 'resumed' });
		expect(items(await ask('runSchedule', 201, { body: { id: 'run1' } }))).toMatchObject([
			{ handle: 'ship1.run1' },
		]);
		await eventually(
			async () => items(await ask('listCommands', 200, { query: { schedule: 'nightly' } })).length === 1,
		);
		const changes = items(await ask('historyOfSchedule', 200));
		expect(changes.map(({ change }) => change)).toEqual(['ran', 'resumed', 'paused', 'changed', 'added']);
		expect(changes[2]).toMatchObject({ by: 'operator', reason: 'a test' });
		const everywhere = { cron: '0 3 * * *', where: { role: 'none' }, message: { method: 'ping' } };
		await ask('putSchedule', 200, { params: { name: 'none' }, body: everywhere });
		await ask('runSchedule', 409, { params: { name: 'none' } });
		expect(await ask('removeSchedule', 200)).toMatchObject({ outcome: 'removed' });
	});

	test('dead letters: listed, grouped, read, sent again, thrown away', async () => {
		const none = { body: { all: true } };
		for (let count = 0; count < 3; count++) await send({ method: 'nothing', data: count });
		const letters = await eventually(async () => {
			const found = items(await ask('listDead', 200, { query: { method: 'nothing' } }));
			return found.length === 3 ? found : undefined;
		});
		const page = (await ask('listDead', 200, { query: { method: 'nothing', limit: '2' } })) as {
			next: string;
		};
		const rest = await ask('listDead', 200, { query: { method: 'nothing', limit: '2', cursor: page.next } });
		expect([...items(page), ...items(rest)]).toEqual(letters);
		expect(rest).toMatchObject({ next: null });
		await ask('listDead', 400, { query: { cursor: 'x' } });
		expect(items(await ask('groupDead', 200))).toMatchObject([
			{ method: 'nothing', count: 3, nodes: 1, replayable: 3 },
		]);
		const [first, second] = letters.map(({ seq }) => Number(seq));
		const one = (await ask('getDead', 200, { params: { seq: String(first) } })) as { message: string };
		expect(JSON.parse(one.message)).toMatchObject({ method: 'nothing' });
		await ask('getDead', 404, { params: { seq: '999999' } });
		await ask('discardDead', 400, { body: {} });
		await ask('discardDead', 400, { body: { filter: {} } });
		await ask('replayDead', 400, { body: { seqs: [1], all: true } });
		expect(items(await ask('replayDead', 200, { body: { seqs: [first], dryRun: true } }))).toMatchObject([
			{ outcome: 'possible' },
		]);
		expect(items(await ask('replayDead', 200, { body: { seqs: [first] } }))).toMatchObject([
			{ outcome: 'replayed' },
		]);
		expect(
			items(await ask('replayDead', 200, { body: { filter: { method: 'nothing', replayed: true } } })),
		).toMatchObject([{ outcome: 'duplicate' }]);
		expect(items(await ask('discardDead', 200, { body: { seqs: [second, second] } }))).toMatchObject([
			{ outcome: 'discarded' },
		]);
		expect(items(await ask('discardDead', 200, none)).map(({ outcome }) => outcome)).not.toContain('refused');
	});

	test('a thousand streams are open, and one more is refused', async () => {
		const gone = new AbortController();
		const open = async () => {
			const { status, body } = await fetch(`${http.url}/api/v1/stream`, { signal: gone.signal });
			expect(status).toBe(200);
			await body?.getReader().read();
		};
		for (let count = 0; count < 1000; count += 50) await Promise.all(Array.from({ length: 50 }, open));
		expect(await ask('stream', 409)).toMatchObject({ code: 'refused' });
		gone.abort();
		await eventually(async () => (await contract.ask(http, 'stream')).status === 200);
	});

	test('a hundred outputs are followed, and one more is refused until one of them is closed', async () => {
		const handle = await send({ toNode: 'ship2' });
		const sample = of(handle);
		const status = async () => (await contract.ask(http, 'outputOfCommand', sample)).status;
		expect(await status()).toBe(200);
		const gone = new AbortController();
		const url = `${http.url}/api/v1/commands/${handle}/output?follow=true`;
		// Refused where somebody asks for the status at that moment: a short answer takes up room as well.
		const follow = async () => {
			const answer = await fetch(url, { signal: gone.signal }).catch(() => undefined);
			if (answer?.status === 409) await answer.text().then(follow);
		};
		const followed = Array.from({ length: 100 }, follow);
		await eventually(async () => (await status()) === 409);
		expect(await ask('outputOfCommand', 409, sample)).toMatchObject({ code: 'refused' });
		gone.abort();
		await Promise.all(followed);
		await eventually(async () => (await status()) === 200);
	});

	test('the installation: streams, health, documents', async () => {
		expect(items(await ask('listStreams', 200)).map(({ name }) => name)).toContain('STEWARD_COMMANDS_0');
		expect(await ask('health', 200)).toMatchObject({
			status: 'ok',
			broker: { up: true },
			centre: { leads: true },
			problems: [],
		});
		expect(await ask('trustList', 200)).toEqual({ document: null });
		expect(await ask('accessList', 200)).toEqual({ document: null });
	});

	test('what is meant for more commands than one request takes on is refused, whole', async () => {
		const toNodes = Array.from({ length: 10_001 }, (_, place) => `crowd${place}`);
		const body = { ...message, toNode: undefined, toNodes, method: 'textLogging' };
		expect((await http.ask('/commands', { method: 'POST', body })).status).toBe(201);
		const filter = { method: 'textLogging', state: ['queued'] };
		const meant = () =>
			central.part.window?.answers.handles({
				method: 'textLogging',
				states: ['queued'],
				limit: 20_000,
			}).length;
		await eventually(() => meant() === 10_001);
		for (const id of ['cancelCommands', 'retryCommands'])
			expect(await ask(id, 409, { body: { filter } })).toMatchObject({
				...{ code: 'refused', details: { most: 10_000 } },
			});
		expect(meant()).toBe(10_001);
		const one = await ask('cancelCommands', 200, { body: { filter: { ...filter, node: 'crowd7' } } });
		expect(items(one)).toMatchObject([{ ok: true, answer: { answer: 'beforeStart' } }]);
	});
});

test('every status that the document knows was answered to a test; those of what is broken are in contract-broken.test.ts', () => {
	expect(contract.unasked((status) => !ofBroken.includes(status))).toEqual([]);
});
