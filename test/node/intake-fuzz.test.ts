/**
 * What comes over the wire: forms, statements and envelopes, edited in any place and damaged in any byte.
 * What is accepted must be what its subject says; a failure prints the seed and the smallest change.
 * What is looked at many times in a run is asserted by Node's own means, which cost a tenth.
 */

import assert from 'node:assert/strict';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { envelopeFor, envelopeSchema } from '../../src/domain/envelope.ts';
import { parseMessage } from '../../src/domain/message.ts';
import { kinds } from '../../src/domain/names.ts';
import { subjects } from '../../src/domain/subject.ts';
import { claimSchema, decode, reportSchema } from '../../src/domain/wire.ts';
import { keyHeaders } from '../../src/jetstream/events.ts';
import { intakeRequest, parseForm, readIntake } from '../../src/jetstream/intake.ts';
import { readEnvelope } from '../../src/jetstream/stored-command.ts';
import { attempt, fuzz, fuzzTimeoutMs, isReplay } from '../support/fuzz.ts';

const bytesOf = (text: string) => new TextEncoder().encode(text);

const form = {
	...{
		toNode: 'ship1',
		method: 'm',
		kind: 'command',
		data: { a: [1, 'x', null] },
		id: 'id1',
		lane: 'normal',
	},
	...{
		deliverWithin: '7d',
		runFor: '10m',
		attempts: 3,
		onInterrupt: 'rerun',
		patience: '1d',
		whenAbsent: 'queue',
	},
	backoff: { kind: 'exponential', initial: '1s', cap: '5m', jitter: 0.5 },
};
const facts = {
	method: 'm',
	lane: 'normal',
	sender: 'ship2',
	digest: 'd',
	seq: 1,
	queuedAt: 5,
	deliverWithinMs: null,
};
const claim = { v: 1, by: 'node', epoch: 'e', boot: 'b', machine: 'm', event: 'started', at: 5, facts };
const attempts = [
	{ attempt: 1, startedAt: 5, endedAt: 6, outcome: 'failed', exitCode: 1, signal: null, fault: null },
];
const report = { v: 1, key: { epoch: 'e', n: 1 }, event: 'failed', at: 6, attempts, facts };
const message = parseMessage(form);
const envelope = envelopeFor(message, 'ship1', 'id1', '_operator');
const key = { epoch: 'e', n: 4 };
const sent = JSON.parse(String(intakeRequest(message, 'ship1', 'ship2', 'id1', key).data));

const oddText = ['', '*', '>', 'ship1.x', '\u0000', 'never', '-1s', '5m', '__proto__', '9'.repeat(400)];
const otherName = [
	'ship1',
	'ship2',
	'm',
	'm2',
	'command',
	'event',
	['ship1'],
	['ship1', 'ship2'],
	[['ship1']],
];
const odd = [
	null,
	true,
	-1,
	0,
	1.5,
	2 ** 53,
	Number.MAX_VALUE,
	{},
	[],
	{ nodes: ['ship2'] },
	{ a: { b: 1 } },
];
const oddValue = fc.oneof(
	{ weight: 30, arbitrary: fc.constantFrom(...oddText, ...otherName, ...odd) },
	{ weight: 1, arbitrary: fc.record({ deep: fc.integer({ min: 100, max: 1200 }) }) },
);

/** A value of its own; what is deep is made here, because a failure could not be printed otherwise. */
function made(said: unknown): unknown {
	if (typeof said !== 'object' || said === null || !('deep' in said)) return structuredClone(said);
	let value: unknown = 1;
	for (let at = 0; at < Number(said.deep); at++) value = at % 2 ? [value] : { a: value };
	return value;
}

type Edit = { readonly at: number; readonly how: 'replace' | 'remove' | 'add'; readonly value: unknown };
const edit: fc.Arbitrary<Edit> = fc.record({
	at: fc.nat(60),
	how: fc.constantFrom('replace', 'replace', 'remove', 'add'),
	value: oddValue,
});

/** A copy with some of its places changed; fields may come that nobody knows. */
function edited(original: unknown, edits: readonly Edit[]): unknown {
	const copy: unknown = structuredClone(original);
	for (const { at, how, value } of edits) {
		const places = placesIn(copy, 3);
		const place = places[at % Math.max(places.length, 1)];
		if (!place) continue;
		const [holder, name] = place;
		if (how === 'remove') delete holder[name];
		else
			holder[how === 'add' ? (['toNode', 'toNodes', 'where', 'kind', 'extra'][at % 5] ?? 'x') : name] =
				made(value);
	}
	return copy;
}

type Place = readonly [Record<string, unknown>, string];

function placesIn(value: unknown, depth: number, places: Place[] = []): Place[] {
	if (typeof value !== 'object' || value === null || depth === 0) return places;
	const holder = value as Record<string, unknown>;
	for (const name of Object.keys(holder)) {
		places.push([holder, name]);
		placesIn(holder[name], depth - 1, places);
	}
	return places;
}

/** As bytes; some of them cut, or with a byte changed. */
function damaged(value: unknown, damage: readonly number[]): Uint8Array {
	const bytes = bytesOf(JSON.stringify(value));
	const [cut, at, byte] = damage;
	if (cut !== undefined && cut < 20) return bytes.subarray(0, Math.floor((bytes.length * cut) / 20));
	if (at !== undefined && byte !== undefined) bytes[at % Math.max(bytes.length, 1)] = byte % 256;
	return bytes;
}

const edits = fc.array(edit, { maxLength: 4 });
const damage = fc.oneof(
	{ weight: 3, arbitrary: fc.constant([]) },
	fc.array(fc.nat(1000), { minLength: 1, maxLength: 3 }),
);

test(
	'a message, however it is damaged, is accepted for what its subject says, or refused',
	() => {
		const subject = fc.constantFrom(
			...['ship1', 'ship2', '_where'].flatMap((node) =>
				['ship2', '_raw'].flatMap((sender) => kinds.map((kind) => subjects.intake(node, sender, kind, 'm'))),
			),
			...[
				'steward.intake.*._raw.command.m',
				'steward.intake.ship1._raw.command',
				'steward.intake.ship1._raw.other.m',
				'',
			],
		);
		let accepted = 0;
		fc.assert(
			fc.property(
				fc.boolean(),
				edits,
				damage,
				subject,
				fc.boolean(),
				(isSent, some, harm, address, isKeyed) => {
					const data = damaged(edited(isSent ? sent : form, some), harm);
					const headers = isKeyed ? keyHeaders('id1', key) : {};
					const read = readIntake(
						{ subject: address, data, header: (name) => headers[name] ?? '', seq: 3 },
						's',
					);
					const [, , node = '', , kind = '', method = ''] = address.split('.');
					const parsed = attempt(() =>
						parseForm(new TextDecoder().decode(data), {
							node,
							kind: kind === 'event' ? 'event' : 'command',
							method,
						}),
					);
					for (const one of ['ok' in read && node !== '_where' ? read.ok.message : undefined, parsed]) {
						if (!one) continue;
						accepted += 1;
						assert.deepEqual([one.target, one.method], [{ nodes: [node] }, method]);
						if (kinds.some((known) => known === kind)) assert.equal(one.kind, kind);
					}
					if ('ok' in read) assert.match(read.ok.id, /^[A-Za-z0-9_-]{1,64}$/);
					else assert.notEqual(read.bad.problem, '');
				},
			),
			fuzz,
		);
		if (!isReplay) expect(accepted).toBeGreaterThan(fuzz.numRuns / 30);
	},
	fuzzTimeoutMs,
);

test(
	'a damaged form is parsed or refused with all its problems in words; a damaged statement is read whole or not at all',
	() => {
		const stored = { node: 'ship1', id: 'id1', method: 'm', lane: 'normal' } as const;
		let [accepted, refused] = [0, 0];
		fc.assert(
			fc.property(edits, damage, (some, harm) => {
				const changed = edited(form, some);
				const parsed = attempt(() => parseMessage(changed));
				if (parsed) accepted += 1;
				else refused += 1;
				for (const original of [claim, report, envelope]) {
					const data = damaged(edited(original, some), harm);
					for (const schema of [claimSchema, reportSchema, envelopeSchema]) {
						const read = decode<unknown>(schema, data);
						if (read !== undefined) assert.deepEqual(schema.parse(read), read);
					}
					const read = readEnvelope(stored, data);
					if (read) expect(read).toMatchObject(stored);
				}
			}),
			fuzz,
		);
		if (!isReplay) expect(Math.min(accepted, refused)).toBeGreaterThan(fuzz.numRuns / 15);
	},
	fuzzTimeoutMs,
);
