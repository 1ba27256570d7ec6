import { describe, expect, test } from 'vitest';
import { isStewardError } from '../../src/base/errors.ts';
import { compileConfig } from '../../src/domain/config.ts';

function problemsOf(...sources: unknown[]): readonly string[] {
	try {
		compileConfig(sources);
	} catch (error) {
		if (!isStewardError(error, 'invalid')) throw error;
		const { problems } = error.details;
		if (!Array.isArray(problems)) throw new Error('no list of problems');
		for (const problem of problems) expect(error.message).toContain(`  ${problem}`);
		return problems;
	}
	return [];
}

const data = { data: '/var/lib/steward' };

test('a folder is all that has no default', () => {
	expect(compileConfig([data])).toMatchObject({
		servers: ['nats://127.0.0.1:4222'],
		data: '/var/lib/steward',
		log: { level: 'info' },
		broker: {},
		centre: { presenceTtlMs: 45_000 },
		node: {
			labels: {},
			modules: [],
			lanes: { control: 1, urgent: 1, normal: 1, events: 1 },
			beatEveryMs: 15_000,
			shutdownGraceMs: 30_000,
			workers: 2,
			moduleMemoryMb: 512,
		},
	});
	expect(problemsOf()).toEqual(['data: expected string, got nothing']);
	expect(problemsOf({ data: '' })).toHaveLength(1);
});

describe('sources', () => {
	test('later ones win, field by field', () => {
		const config = compileConfig([
			{ ...data, log: { level: 'debug' }, node: { name: 'a', labels: { x: '1', y: '1' } } },
			{ node: { name: 'b', labels: { y: '2' } }, servers: 'nats://one:4222' },
			{ servers: 'nats://two:4222,three' },
			{ node: { labels: { z: '3' } } },
		]);
		expect(config.node).toMatchObject({ name: 'b', labels: { x: '1', y: '2', z: '3' } });
		expect(config.log.level).toBe('debug');
		expect(config.servers).toEqual(['nats://two:4222', 'three']);
	});

	test('a list replaces a list, and what is undefined says nothing', () => {
		const config = compileConfig([
			{ ...data, servers: ['a', 'b'], node: { modules: ['m1'] } },
			undefined,
			{ servers: undefined, node: { modules: ['m2', 'm3'], name: undefined } },
		]);
		expect(config.servers).toEqual(['a', 'b']);
		expect(config.node.modules).toEqual(['m2', 'm3']);
	});

	test('are not changed, and share nothing with the result', () => {
		const source = { ...data, node: { labels: { x: '1' }, modules: ['m1'] } };
		compileConfig([source, { node: { labels: { y: '2' } } }]);
		expect(source).toEqual({ ...data, node: { labels: { x: '1' }, modules: ['m1'] } });
		source.node.modules.push('m2');
		expect(compileConfig([data]).node.modules).toEqual([]);
	});

	test('a prototype brings no fields past the check', () => {
		const hostile: unknown = JSON.parse('{"__proto__":{"data":"/evil"}}');
		expect(problemsOf(hostile)).toContain('data: expected string, got nothing');
		expect(problemsOf({}, hostile)).toContain('data: expected string, got nothing');
	});
});

test('the result is frozen, down to the last field', () => {
	const frozenParts = (value: unknown): boolean =>
		typeof value !== 'object' ||
		value === null ||
		(Object.isFrozen(value) && Object.values(value).every(frozenParts));
	expect(frozenParts(compileConfig([{ ...data, node: { labels: { a: 'b' }, modules: ['m'] } }]))).toBe(true);
});

describe('problems', () => {
	test('are listed all at once, each with its field and a guess', () => {
		const problems = problemsOf({
			servers: ['not an address/at all'],
			log: { level: 'loud' },
			broker: { host: '0.0.0.0', port: 70_000 },
			centre: { shards: 0, replicas: 2, presenceTtl: 1 },
			node: { name: '_raw', lanes: { normal: 0, fast: 1 }, beatEveryMs: 1.5, label: {} },
			natsServers: 'x',
		});
		for (const [field, text] of [
			['servers.0', 'nats://127.0.0.1:4222'],
			['data', 'got nothing'],
			['log.level', '"loud"'],
			['broker.host', 'without accounts'],
			['broker.port', '70000'],
			['centre.shards', 'got 0'],
			['centre.replicas', 'expected 1, 3 or 5'],
			['centre.presenceTtl', 'did you mean "presenceTtlMs"?'],
			['node.name', 'not beginning with "_"'],
			['node.lanes.normal', 'got 0'],
			['node.lanes.fast', 'unknown field'],
			['node.beatEveryMs', '1.5'],
			['node.label', 'did you mean "labels"?'],
			['natsServers', 'unknown field'],
		] as const) {
			expect(problems).toContainEqual(expect.stringMatching(new RegExp(`^${field}: `)));
			expect(problems.find((line) => line.startsWith(`${field}: `))).toContain(text);
		}
		expect(problems).toHaveLength(14);
	});

	test.each([
		'nats://127.0.0.1:4222',
		'tls://host:4222',
		'ws://host',
		'wss://host:443',
		'host',
		'host:4222',
		'[::1]:4222',
	])('%s is an address', (server) => {
		expect(compileConfig([{ ...data, servers: server }]).servers).toEqual([server]);
	});

	test.each(['', 'http://host', 'a b', 'a,', 'nats://'])('%j is none', (servers) => {
		expect(problemsOf({ ...data, servers })).toHaveLength(1);
	});

	test.each(['127.0.0.1', '127.8.0.1', '::1', '::ffff:127.0.0.1', 'localhost'])(
		'without accounts and certificate broker and window may listen on %s',
		(host) => {
			const compiled = compileConfig([{ ...data, broker: { host }, http: { host } }]);
			expect([compiled.broker.host, compiled.http.host]).toEqual([host, host]);
		},
	);

	test.each(['0.0.0.0', '::', '10.0.0.1', '127.0.0.1.example', '127.1'])('… and not on %s', (host) => {
		expect(problemsOf({ ...data, broker: { host }, http: { host } })).toEqual([
			expect.stringMatching(/^broker.host: expected 127.0.0.1/),
			expect.stringMatching(/^http.host: expected 127.0.0.1/),
		]);
	});

	test.each([
		['https://fleet.example', 'https://fleet.example'],
		['https://Fleet.Example:8443', 'https://fleet.example:8443'],
		['https://fleet.example:443', 'https://fleet.example'],
		['https://[::1]:8443', 'https://[::1]:8443'],
	])('%s is an origin', (text, origin) => {
		expect(compileConfig([{ ...data, http: { origins: [text] } }]).http.origins).toEqual([origin]);
	});

	test.each([
		['https://*.fleet.example', 'without *'],
		['*', 'without *'],
		['http://fleet.example', 'in the clear'],
		['fleet.example', 'expected https://name[:port]'],
		['https://fleet.example/', 'nothing more'],
		['https://fleet.example/path', 'nothing more'],
		['https://ada@fleet.example', 'nothing more'],
		['https://fleet.example:port', 'nothing more'],
		['', 'expected https://name[:port]'],
	])('%j is no origin', (origin, word) => {
		const problems = problemsOf({ ...data, http: { origins: ['https://fine.example', origin] } });
		expect(problems).toEqual([expect.stringContaining(word)]);
		expect(problems[0]).toMatch(/^http\.origins\.1: /);
	});

	test('an empty list of servers is none', () => {
		expect(problemsOf({ ...data, servers: [] })).toHaveLength(1);
	});

	test.each([null, 7, 'text', []])('%j is no configuration', (source) => {
		expect(problemsOf(source)).toHaveLength(1);
	});
});

test('every number says its unit or counts something', () => {
	const counts = new Set(['port', 'control', 'urgent', 'normal', 'events', 'keep', 'workers', 'maxQueued']);
	const numbers = (value: object): string[] =>
		Object.entries(value).flatMap(([key, field]) => {
			if (typeof field === 'number') return [key];
			return typeof field === 'object' && field !== null ? numbers(field) : [];
		});
	const unnamed = numbers(compileConfig([data])).filter(
		(key) => !/(Ms|Bytes|Mb|PerSecond|PerMinute)$/.test(key) && !counts.has(key),
	);
	expect(unnamed).toEqual([]);
});

test('a JetStream domain is a name that the server takes', () => {
	expect(compileConfig([data, { domain: 'hub' }]).domain).toBe('hub');
	expect(compileConfig([data]).domain).toBeUndefined();
	for (const domain of ['', 'a.b', '*', '$JS', 'two words']) {
		expect(problemsOf(data, { domain })).toEqual([
			expect.stringContaining('expected the name of a JetStream domain'),
		]);
	}
});

test('credentials and TLS are files; TLS begins before the first word unless that is said otherwise', () => {
	expect(compileConfig([data])).not.toHaveProperty('tls');
	const config = compileConfig([{ ...data, credentials: 'ship1.creds', tls: { ca: 'ca.pem' } }]);
	expect(config).toMatchObject({ credentials: 'ship1.creds', tls: { ca: 'ca.pem', handshakeFirst: true } });
	expect(compileConfig([{ ...data, tls: false }]).tls).toBe(false);
	expect(problemsOf({ ...data, credentials: '', tls: { caFile: 'ca.pem' } })).toHaveLength(2);
});
