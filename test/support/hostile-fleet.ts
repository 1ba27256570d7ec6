/**
 * Owns a fleet that means ill: markup, right-to-left marks, escapes and endless words in every field that a node or a sender fills.
 * Promises that each text says `sentinel` when it is run as a script, and that all of it is what the real stores take.
 * Written once into a broker that has a centre or none.
 */

import { streamsDir } from '../../src/base/package.ts';
import { connect } from '../../src/client/fleet.ts';
import { type Envelope, envelopeDigest } from '../../src/domain/envelope.ts';
import { entryFor, type LedgerEntry } from '../../src/domain/ledger.ts';
import type { NodeState } from '../../src/domain/node-state.ts';
import { Commands } from '../../src/jetstream/commands.ts';
import { openConnection } from '../../src/jetstream/connection.ts';
import { DeadLetters } from '../../src/jetstream/dead-letters.ts';
import { LedgerStore } from '../../src/jetstream/ledger-store.ts';
import { Nodes } from '../../src/jetstream/nodes.ts';
import { outputRequest } from '../../src/jetstream/output.ts';
import { Publisher } from '../../src/jetstream/publisher.ts';
import { applyTopology } from '../../src/jetstream/topology.ts';
import { stateOf } from './seed-plan.ts';

/** Name of the global that is set where a text was run. */
export const sentinel = '__stewardSentinel';

const script = `window.${sentinel}=1`;
export const hostileTexts = [
	`<img src=x onerror="${script}">`,
	`"><script>${script}</script>`,
	`<svg/onload=${script}> {{constructor.constructor('${script}')()}}`,
	`javascript:${script}`,
	'\u202egnp.exe\u202c \u2066isolated\u2069 \u200f\u05d0\u05d1\u05d2',
	'\u001b[31mred\u001b[0m \u001b]8;;http://elsewhere.invalid\u0007link\u001b]8;;\u0007 \u0007\u0008\u0000',
	`${'w'.repeat(10_000)}`,
	'e\u0301\u0300\u0302\u0303\u0304\u0306\u0307\u0308'.repeat(40),
] as const;

const all = hostileTexts.join(' ');
/** The longest name that a node may have. */
const longName = `the-ship-with-the-longest-name-that-the-rules-allow-${'x'.repeat(11)}`;
const dayMs = 86_400_000;
/** Of a schedule. */
const mostNote = 1000;

const ids = { queued: 'q'.repeat(64), failed: 'f'.repeat(64), cancelled: 'c'.repeat(64) } as const;
/** The node, handles of its commands (one waits, one failed, one was called off), and its schedule. */
export const hostile = {
	node: longName,
	queued: `${longName}.${ids.queued}`,
	failed: `${longName}.${ids.failed}`,
	cancelled: `${longName}.${ids.cancelled}`,
	schedule: 's'.repeat(63),
} as const;

export async function seedHostileFleet(servers: string): Promise<void> {
	const now = Date.now();
	const connection = await openConnection({ servers: [servers], name: 'hostile' });
	try {
		await applyTopology(connection, { dir: streamsDir });
		const nodes = new Nodes(connection);
		const record = { v: 1, state: hostileState(now), lastSeenAt: now } as const;
		await nodes.write(
			longName,
			{ ...record, conflict: { machines: [all.slice(0, 200), 'b'], noticedAt: now } },
			0,
		);
		await nodes.markPresent(longName, dayMs);
		const [queued, failed, cancelled] = [
			commandOf(ids.queued),
			commandOf(ids.failed),
			commandOf(ids.cancelled),
		];
		await new Commands(connection, 1).enqueue(queued, envelopeDigest(queued), '');
		const ledger = new LedgerStore(connection);
		const result = { exitCode: 1, signal: null, stdout: outputOf(all), stderr: outputOf(all), value: all };
		await ledger.write(failedEntry(failed, now), 0, { result, envelope: failed }, now);
		await ledger.write(cancelledEntry(cancelled, now), 0, { result: null, envelope: cancelled }, now);
		const output = new Publisher(connection, { stream: 'STEWARD_OUTPUT', mayLookUp: true });
		const data = new TextEncoder().encode(`${hostileTexts.join('\r\n')}\n`);
		const chunk = { attempt: 1, number: 1, kind: 'data', stream: 'stdout', offset: 0, data } as const;
		await output.publish(outputRequest(longName, failed.id, chunk));
		const dead = new DeadLetters(connection);
		for (const [place, text] of hostileTexts.entries()) {
			const { id } = commandOf(`dead-${place}`);
			const evidence = {
				sender: text,
				at: now,
				attempts: 1,
				fault: { code: text, message: text },
				message: text,
			};
			await dead.write({ node: longName, kind: 'command', method: 'shellCommand', id, ...evidence });
		}
		const fleet = await connect({ servers, name: 'hostile' });
		const message = { method: 'shellCommand', data: [...hostileTexts] };
		const when = { cron: '0 3 * * *', toNode: longName };
		await fleet.schedules.add({ ...when, name: hostile.schedule, message, note: all.slice(0, mostNote) });
		await fleet.close();
	} finally {
		await connection.nc.drain();
	}
}

function hostileState(now: number): NodeState {
	const labels = Object.fromEntries(
		Array.from({ length: 40 }, (_, n) => [
			n === 0 ? hostileTexts[0] : `label-${n}`,
			hostileTexts[n % hostileTexts.length] ?? '',
		]),
	);
	const pause = { kind: 'pause', by: all, reason: all, since: now - dayMs } as const;
	const usual = stateOf(longName, now);
	return {
		...usual,
		labels,
		version: all.slice(0, 300),
		platform: { os: all, arch: all, runtime: all, hostname: all },
		clockOffsetMs: -9_999_999_999,
		methods: [
			...usual.methods,
			{
				...{ name: 'hostile', kind: 'command', description: all },
				data: {
					type: 'object',
					title: all,
					properties: { [hostileTexts[0]]: { type: 'string', description: all } },
				},
			},
		],
		lanes: usual.lanes.map((lane) => ({ ...lane, status: 'paused', pause })),
		stopped: [{ ...pause, kind: 'stop', method: 'shellCommand' }],
		running: [
			{ id: 'r'.repeat(64), method: 'shellCommand', lane: 'normal', startedAt: now, attempt: 1, runForMs: 1 },
		],
	};
}

function commandOf(id: string): Envelope {
	return {
		...{ v: 1, id, node: longName, method: 'shellCommand', lane: 'normal', sender: '_operator' },
		...{ data: [...hostileTexts], deliverWithinMs: dayMs },
	};
}

function outputOf(text: string) {
	return {
		head: text,
		tail: text,
		bytes: 99_999_999,
		sha256: 'x',
		encoding: 'utf8',
		cut: 99_000_000,
	} as const;
}

function entryOf({ node, id, method, lane, ...envelope }: Envelope, now: number): LedgerEntry {
	const facts = { method, lane, seq: 1, queuedAt: now - 5000, deliverWithinMs: dayMs };
	return {
		...entryFor({ node, id }, { ...facts, sender: all.slice(0, 150), digest: 'x' }),
		...{ v: envelope.v },
	};
}

function failedEntry(envelope: Envelope, now: number): LedgerEntry {
	const fault = { code: 'methodThrew', message: all };
	const attempt = { startedAt: now - 4000, endedAt: now, exitCode: 1, signal: null, fault } as const;
	return {
		...entryOf(envelope, now),
		...{ state: 'failed', startedAt: now - 4000, endedAt: now, settledAt: now, settledBy: 'x:1', fault },
		attempts: Array.from({ length: 8 }, (_, n) => ({ ...attempt, attempt: n + 1, outcome: 'failed' })),
	};
}

function cancelledEntry(envelope: Envelope, now: number): LedgerEntry {
	return {
		...entryOf(envelope, now),
		...{ state: 'cancelled', endedAt: now, settledAt: now, settledBy: 'claim' },
		closed: { reason: all, actor: all },
	};
}
