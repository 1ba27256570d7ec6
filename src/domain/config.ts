/**
 * Owns the configuration: defaults, file, environment and flags compiled once into one frozen value.
 * Promises that every problem is listed at once, with its field, and that no other file reads the environment.
 * Pure: whoever calls reads the file.
 */

import { z } from 'zod';
import { isLoopback } from '../base/address.ts';
import { StewardError } from '../base/errors.ts';
import { logLevels } from '../base/log.ts';
import { lanes, methodNamePattern, methodNameRule, nodeNamePattern, nodeNameRule } from './names.ts';
import { eventDeliverWithinMs } from './policy.ts';
import { redactionProblem } from './redaction.ts';
import { publicKeySchema } from './trust.ts';
import { describeProblems, isRecord } from './validation.ts';

/** Slots of each lane. 1 keeps strict order, also across retries. */
/** Where the broker is looked for if nobody says otherwise. */
export const usualServer = 'nats://127.0.0.1:4222';

const laneCapacities = { control: 1, urgent: 1, normal: 1, events: 1, bulk: 1 } as const;

const capacity = z.number().int().min(1).max(1024);
const bytes = z.number().int().min(1);
const mib = 1024 * 1024;
/** One batch of inmsg.txt has to fit. */
const smallestOutboxBytes = 4 * mib;
const redactionPattern = z.string().superRefine((text, context) => {
	const message = redactionProblem(text);
	if (message !== undefined) context.addIssue({ code: 'custom', message });
});

const nodeSection = z.strictObject({
	name: z
		.string()
		.regex(nodeNamePattern, { error: `expected ${nodeNameRule}` })
		.optional(),
	labels: z.record(z.string().regex(/^[A-Za-z0-9._/-]{1,63}$/), z.string().max(256)).default({}),
	methods: z.array(z.string().regex(methodNamePattern, { error: `expected ${methodNameRule}` })).optional(),
	modules: z.array(z.string()).default([]),
	/** Threads for the methods of one module that say `isolate: 'worker'`. */
	workers: z.number().int().min(1).max(64).default(2),
	/** JavaScript heap of a module's child process, and of each of its threads, in MiB. */
	moduleMemoryMb: z.number().int().min(32).default(512),
	lanes: z
		.strictObject({
			control: capacity.default(laneCapacities.control),
			urgent: capacity.default(laneCapacities.urgent),
			normal: capacity.default(laneCapacities.normal),
			events: capacity.default(laneCapacities.events),
			bulk: capacity.optional(),
		})
		.prefault({}),
	inmsg: z.string().optional(),
	shutdownGraceMs: z.number().int().min(0).default(30_000),
	beatEveryMs: z.number().int().min(100).default(15_000),
	output: z
		.strictObject({
			spoolMaxBytes: z
				.number()
				.int()
				.min(0)
				.default(256 * 1024 * 1024),
		})
		.prefault({}),
	/** What waits on this node's disk for the link, bytes of messages. */
	outbox: z
		.strictObject({
			/** Of what programs on this machine send: more is refused. */
			maxBytes: z
				.number()
				.int()
				.min(smallestOutboxBytes)
				.default(256 * mib),
			/** Of what the node reports: at this bound it starts nothing more, and what runs is reported all the same. */
			maxReportBytes: z
				.number()
				.int()
				.min(0)
				.default(256 * mib),
		})
		.prefault({}),
	/** What the outbox sends in a second; the rest waits, in order. */
	uplink: z
		.strictObject({
			messagesPerSecond: z.number().int().min(1).default(10_000),
			bytesPerSecond: z
				.number()
				.int()
				.min(1024)
				.default(16 * mib),
		})
		.prefault({}),
	redact: z.array(redactionPattern).default([]),
	/** Where it tells its metrics, in the clear; nowhere unless this is there. */
	metrics: z
		.strictObject({
			host: z.string().min(1).default('127.0.0.1'),
			/** 0 picks a free one. */
			port: z.number().int().min(0).max(65_535),
		})
		.optional(),
	/** Public keys (`O…`) whose signature this node's first trust list needs. With one of them it runs only what is trusted. */
	roots: z.array(publicKeySchema).max(16).default([]),
	textLog: z
		.strictObject({ maxBytes: bytes.default(16 * 1024 * 1024), keep: z.number().int().min(0).default(4) })
		.prefault({}),
});

const file = z.string().min(1);

/** How the connection to the broker is encrypted; files are read at each connect. */
const tlsSection = z.strictObject({
	/** Authorities that the server's certificate is checked against, in the place of those of the system. */
	ca: file.optional(),
	/** This program's own certificate and its key, where the server asks for one. */
	cert: file.optional(),
	key: file.optional(),
	/** The name that the server's certificate has to have, where it is not the one in the address. */
	serverName: z.string().min(1).optional(),
	/** Nothing is said before the handshake, as steward's own servers want it. Another server may have to greet first. */
	handshakeFirst: z.boolean().default(true),
});

const brokerSection = z.strictObject({
	host: z.string().min(1).optional(),
	port: z.number().int().min(0).max(65_535).optional(),
});

/** As a browser says it, of a server that speaks TLS: `https://name[:port]`. */
const originSchema = z.string().transform((text, context) => {
	const wrong = (rule: string) => {
		context.addIssue({ code: 'custom', message: rule });
		return z.NEVER;
	};
	if (text.includes('*')) return wrong('expected a whole name without *: each one that is let in is named');
	if (!/^https:\/\//i.test(text))
		return wrong('expected https://name[:port]: tokens would travel in the clear');
	const url = URL.canParse(text) ? new URL(text) : undefined;
	const isPlain = url && /^https:\/\/[a-z0-9.:[\]-]+$/i.test(text);
	return isPlain
		? url.origin
		: wrong('expected https://name[:port] and nothing more, such as https://fleet.example.com');
});

/** The HTTP API and the dashboard that a centre serves. */
const httpSection = z.strictObject({
	enabled: z.boolean().default(true),
	host: z.string().min(1).default('127.0.0.1'),
	/** 7422 where it is not named, and only if nothing else listens there; 0 picks a free one. */
	port: z.number().int().min(0).max(65_535).optional(),
	/** Certificate and key; beyond loopback there has to be one. */
	tls: z.strictObject({ cert: file, key: file }).optional(),
	/** Under which other names a reverse proxy shows it: `https://fleet.example.com`. With one, a token is needed from the start. */
	origins: z.array(originSchema).max(100).default([]),
	/** The file of bearer tokens (steward tokens); tokens.json in the data folder. */
	tokens: file.optional(),
	/** Who signs what is sent from here (`.creds` of an operator), so that access lists can name it; the centre, if nobody is named. */
	credentials: file.optional(),
	/** Requests that one address may make in a minute. */
	requestsPerMinute: z.number().int().min(1).default(6000),
});

const configSchema = z.strictObject({
	servers: z
		.union([z.string().transform((text) => text.split(',')), z.array(z.string())])
		.pipe(
			z
				.array(
					z.string().regex(/^((nats|tls|ws|wss):\/\/)?[^\s/]+$/, {
						error: 'expected an address such as nats://127.0.0.1:4222',
					}),
				)
				.min(1),
		)
		.default([usualServer]),
	/** JetStream domain that steward's streams are in; needed behind a leaf server that has a domain of its own. */
	domain: z
		.string()
		.regex(/^[A-Za-z0-9_-]{1,63}$/, { error: 'expected the name of a JetStream domain, such as hub' })
		.optional(),
	/** The file that says who this program is (`.creds`), where the broker has accounts. */
	credentials: file.optional(),
	/** `false`: none, also where it would be used (an address beyond loopback with credentials). */
	tls: z.union([z.literal(false), tlsSection]).optional(),
	data: z.string().min(1),
	log: z.strictObject({ level: z.enum(logLevels).default('info') }).prefault({}),
	/** The folder of the fleet's keys (steward init --secure); only machines that run the broker or enrol others have one. */
	keys: file.optional(),
	/** Where `steward up` listens: as its keys say, or 127.0.0.1:4222. */
	broker: brokerSection.prefault({}),
	centre: z
		.strictObject({
			shards: z.number().int().min(1).max(64).optional(),
			/** Servers of a cluster that hold each stream. */
			replicas: z
				.union([z.literal(1), z.literal(3), z.literal(5)], { error: 'expected 1, 3 or 5' })
				.optional(),
			/** A lane's consumer that does not answer for so long is made again elsewhere; longer than a server's restart takes. */
			consumerLostAfterMs: z.number().int().min(100).default(120_000),
			presenceTtlMs: z.number().int().min(300).default(45_000),
			leaseTtlMs: z.number().int().min(300).default(15_000),
			claimRetentionMs: z.number().int().min(0).default(3_600_000),
			/** Messages a second of one node, over half a minute, which are told of as too many. */
			loudPerSecond: z.number().int().min(1).default(1000),
			/** Commands that may wait for one node: more are refused. */
			maxQueued: z.number().int().min(1).default(50_000),
			sweepEveryMs: z.number().int().min(100).default(30_000),
			/** An event that nobody took within this time becomes a dead letter. */
			eventDeliverWithinMs: z.number().int().min(1).default(eventDeliverWithinMs),
		})
		.prefault({}),
	node: nodeSection.prefault({}),
	http: httpSection
		.refine(({ host, tls }) => isLoopback(host) || tls !== undefined, {
			path: ['host'],
			error:
				'expected 127.0.0.1: beyond loopback tokens would travel in the clear (http.tls names a certificate)',
		})
		.prefault({}),
});

/** Without accounts. */
const loopbackSchema = configSchema.extend({
	broker: brokerSection
		.extend({
			host: z
				.string()
				.refine(isLoopback, {
					error:
						'expected 127.0.0.1: without accounts the broker listens on loopback only (steward init --secure makes them, keys names their folder)',
				})
				.optional(),
		})
		.prefault({}),
});

/** The form of the config file: YAML or JSON. */
export type ConfigForm = z.input<typeof configSchema>;
export type Config = Readonly<z.output<typeof configSchema>>;
export type HttpSettings = Readonly<z.output<typeof httpSection>>;
export type TlsSettings = Readonly<z.output<typeof tlsSection>>;

const knownKeys = [
	...Object.keys(configSchema.shape),
	...Object.keys(nodeSection.shape),
	...Object.keys(tlsSection.shape),
	...Object.keys(httpSection.shape),
	...lanes,
	...[
		'level',
		'host',
		'port',
		'shards',
		'replicas',
		'consumerLostAfterMs',
		'presenceTtlMs',
		'leaseTtlMs',
		'claimRetentionMs',
		'maxQueued',
		'loudPerSecond',
		'sweepEveryMs',
		'eventDeliverWithinMs',
		'maxBytes',
		'keep',
		'spoolMaxBytes',
		'maxReportBytes',
		'messagesPerSecond',
		'bytesPerSecond',
	],
];

/** Later sources win, field by field: defaults, then file, then environment, then flags. */
export function compileConfig(sources: readonly unknown[]): Config {
	const merged = sources.reduce<unknown>(merge, {});
	const hasAccounts = isRecord(merged) && merged.keys !== undefined;
	const parsed = (hasAccounts ? configSchema : loopbackSchema).safeParse(merged);
	if (!parsed.success) {
		const problems = describeProblems(parsed.error, merged, knownKeys);
		throw new StewardError(
			'invalid',
			`the configuration is not valid:\n${problems.map((line) => `  ${line}`).join('\n')}`,
			{
				details: { problems },
			},
		);
	}
	return deepFreeze(parsed.data);
}

function merge(base: unknown, over: unknown): unknown {
	if (over === undefined) return base;
	if (!isRecord(base) || !isRecord(over)) return over;
	const merged = new Map(Object.entries(base));
	for (const [key, value] of Object.entries(over)) merged.set(key, merge(merged.get(key), value));
	// Not by assignment: a key `__proto__` would become the prototype, and bring fields past the check.
	return Object.fromEntries(merged);
}

function deepFreeze<T>(value: T): T {
	if (typeof value === 'object' && value !== null) {
		for (const field of Object.values(value)) deepFreeze(field);
		Object.freeze(value);
	}
	return value;
}
