import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { systemClock } from '../../../src/base/clock.ts';
import { projectorConsumer } from '../../../src/central/projector.ts';
import { Fleet } from '../../../src/client/fleet.ts';
import { fleetParts } from '../../../src/client/parts.ts';
import { type Envelope, envelopeDigest } from '../../../src/domain/envelope.ts';
import { streams, subjects } from '../../../src/domain/subject.ts';
import type { Role, TrustedKey } from '../../../src/domain/trust.ts';
import { Commands } from '../../../src/jetstream/commands.ts';
import { type Connection, closeConnection, openConnection } from '../../../src/jetstream/connection.ts';
import { parseEnvelope } from '../../../src/jetstream/stored-command.ts';
import { requireTopology } from '../../../src/jetstream/topology.ts';
import { sendViaSocket } from '../../../src/node/intake/socket-client.ts';
import { socketPathFor } from '../../../src/node/intake/socket-path.ts';
import { publicKeyOf } from '../../../src/security/accounts.ts';
import { parseCredentials, readCredentials } from '../../../src/security/credentials.ts';
import { newUserKey, type SigningKey, signingKey } from '../../../src/security/keys.ts';
import { sealStatements } from '../../../src/security/seal.ts';
import { signEnvelope } from '../../../src/security/signature.ts';
import { type Disposables, disposables } from '../../support/disposables.ts';
import { type Effects, effectsIn } from '../../support/effects.ts';
import { eventually } from '../../support/eventually.ts';
import { openFleet, type StartedNode, startCentral, startNode } from '../../support/fleet.ts';
import { type SecureNats, startSecureNats } from '../../support/secure-nats.ts';
import { tempDir } from '../../support/temp.ts';

// Whoever is inside the account HUB writes what it likes to the streams. Each attack is tried on ship1, which has a trust list, and on
// ship2, which has none: there it works, or it would prove nothing.

const waitMs = 60_000;
const root = signingKey(newUserKey().seed);
const stranger = signingKey(newUserKey().seed);

let parts: Disposables;
let secure: SecureNats;
let fleet: Fleet;
let effects: Effects;
let insider: Connection;
let commands: Commands;
let alice: SigningKey;
let atCentral: StartedNode;
const ships = new Map<string, StartedNode>();
const keys: TrustedKey[] = [];

beforeAll(async () => {
	parts = disposables();
	secure = parts.use(await startSecureNats());
	const listed = (key: string, name: string, role: Role) => keys.push({ key, name, role });
	const centre = await secure.credentials('centre', 'centre');
	const file = await secure.credentialsFile('operator', 'alice');
	alice = (await readCredentials(file)).key;
	listed(alice.publicKey, 'alice', 'operator');
	listed(centre.key.publicKey, 'centre', 'centre');
	listed(publicKeyOf(secure.keys.signing.node[0] ?? ''), 'ships', 'node');
	parts.use(await startCentral(secure.url, {}, centre));
	fleet = await openFleet(secure.url, file);
	parts.use({ [Symbol.asyncDispose]: () => fleet.close() });
	effects = effectsIn(parts.use(await tempDir()).path);
	const node = async (name: string, roots: readonly string[] = []) => {
		const credentials = await secure.credentials('node', name);
		return parts.use(await startNode(secure.url, name, { credentials, node: { roots: [...roots] } }));
	};
	atCentral = await node('central');
	ships.set('ship1', await node('ship1', [root.publicKey]));
	ships.set('ship2', await node('ship2'));
	insider = await openConnection({
		...{ servers: [secure.url], name: 'insider', timeoutMs: 30_000 },
		credentials: await secure.credentials('centre', 'mallory'),
	});
	parts.use({ [Symbol.asyncDispose]: () => closeConnection(insider, systemClock) });
	commands = new Commands(insider, 1);
	for (const name of ['ship1', 'ship2']) {
		await eventually(async () => (await fleet.node(name))?.presence === 'present');
	}
	await publishKeys();
	await fleet.trust.publish('access', { rules: [{ allow: '*' }] }, { roots: [root] });
	await eventually(async () => (await fleet.trust.nodes('access'))[0]?.version === 1);
});
afterAll(() => parts[Symbol.asyncDispose]());

/** Until ship1 has them. */
async function publishKeys(): Promise<void> {
	const list = { roots: [root.publicKey], keys: [...keys] };
	const { version } = await fleet.trust.publish('trust', list, { roots: [root] });
	await eventually(async () => (await fleet.trust.nodes('trust'))[0]?.version === version);
}

function forged(node: string, id: string, more: Partial<Envelope> = {}): Envelope {
	const data = effects.shell(`${node} ${id}`);
	return {
		...{ v: 1, id, node, method: 'shellCommand', lane: 'normal', data, sender: '_operator' },
		deliverWithinMs: 60_000,
		...more,
	};
}

async function put(envelope: Envelope): Promise<void> {
	await commands.enqueue(envelope, envelopeDigest(envelope), '');
}

/** `<state> <signature of the node> <code of its fault>` */
async function became(handle: string): Promise<string> {
	const [view] = await fleet.wait([handle], { timeoutMs: waitMs });
	// The ledger's word: what the node said a moment ago nobody has checked.
	const told = await eventually(async () => {
		const found = await fleet.get(handle);
		return found?.signature !== null && found;
	});
	expect(told.state).toBe(view?.state);
	return `${told.state} ${told.signature} ${told.fault?.code ?? '-'}: ${told.fault?.message ?? ''}`;
}

/** On which ships it ran. */
async function effectsOf(id: string): Promise<string[]> {
	return (await effects.words()).filter((word) => word.endsWith(` ${id}`)).sort();
}

/** Puts the same attack on both ships; answers what became of it on ship1. */
async function attack(id: string, make: (node: string) => Envelope): Promise<string> {
	for (const node of ['ship1', 'ship2']) await put(make(node));
	expect(await became(`ship2.${id}`)).toContain('succeeded held');
	const answer = await became(`ship1.${id}`);
	expect(await effectsOf(id)).toEqual([`ship2 ${id}`]);
	return answer;
}

test('what trusted programs send runs, whatever way it comes in, and its node signs for it', async () => {
	const send = (id: string, more = {}) =>
		fleet.send({
			toNode: 'ship1',
			kind: 'command',
			method: 'shellCommand',
			id,
			data: effects.shell(id),
			...more,
		});
	await send('plain');
	await send('delayed', { notBefore: new Date(Date.now() + 1500).toISOString() });
	await send('again', { data: ['false'] });
	const dir = ships.get('ship2')?.dataDir ?? '';
	const socket = {
		toNode: 'ship1',
		kind: 'command' as const,
		method: 'shellCommand',
		id: 'ship',
		data: ['true'],
	};
	await sendViaSocket(socketPathFor(dir, dir), socket, { timeoutMs: 60_000, clock: systemClock });
	insider.nc.publish('ship1.command.shellCommand', JSON.stringify({ id: 'raw', data: effects.shell('raw') }));
	const paused = await fleet.pause('ship1', { lanes: ['urgent'] });
	expect(await became(paused.handle)).toContain('succeeded held');
	expect(await became('ship1.again')).toContain('failed held');
	const [retried] = await fleet.retry(['ship1.again']);
	for (const [name, placement] of [
		['atcentre', 'centre'],
		['atnode', 'node'],
	] as const) {
		const message = { method: 'shellCommand', data: effects.shell(name) };
		await fleet.schedules.add({ name, every: '1s', toNode: 'ship1', message, placement });
	}
	for (const id of ['plain', 'delayed', 'raw'])
		expect(await became(`ship1.${id}`)).toContain('succeeded held');
	await eventually(async () => (await fleet.get('ship1.ship'))?.state === 'succeeded');
	expect((await fleet.get('ship1.ship'))?.sender).toBe('ship2');
	expect(await became(retried?.handle ?? '')).toContain('failed held');
	await eventually(async () => {
		const words = await effects.words();
		return ['atcentre', 'atnode'].every((name) => words.includes(name));
	});
	for (const name of ['atcentre', 'atnode']) await fleet.schedules.remove(name);
	await fleet.resume('ship1');
	await eventually(async () => (await fleet.list({ states: ['queued', 'running'] })).length === 0);
});

test('unsigned, or signed by somebody whom the ship does not know', async () => {
	const unsigned = await attack('unsigned', (node) => forged(node, 'unsigned'));
	expect(unsigned).toContain('rejected held untrusted: it is not signed');
	const strange = await attack('strange', (node) =>
		signEnvelope(forged(node, 'strange'), stranger, Date.now()),
	);
	expect(strange).toContain('not in this node');
	const borrowed = await attack('borrowed', (node) => {
		const envelope = signEnvelope(forged(node, 'borrowed'), stranger, Date.now());
		return { ...envelope, signed: { ...envelope.signed, key: alice.publicKey } };
	});
	expect(borrowed).toContain('altered');
});

test('a message that was caught on its way, with another body put in its place', async () => {
	const altered = await attack('altered', (node) => {
		const honest = signEnvelope(forged(node, 'altered', { data: ['true'] }), alice, Date.now());
		return { ...honest, data: effects.shell(`${node} altered`) };
	});
	expect(altered).toContain('rejected held untrusted: it is not what alice signed');
	const meantFor3 = await attack('elsewhere', (node) => {
		const honest = signEnvelope(forged('ship3', 'elsewhere'), alice, Date.now());
		return { ...honest, node, data: effects.shell(`${node} elsewhere`) };
	});
	expect(meantFor3).toContain('altered');
});

test('an old one, kept until its time was over', async () => {
	const expired = await attack('expired', (node) =>
		signEnvelope(forged(node, 'expired'), alice, Date.now() - 2 * 3_600_000),
	);
	expect(expired).toContain('its signature has expired');
});

test('replayed after it was settled, its claim and its ledger entry taken away, under headers that the journal does not know', async () => {
	const bodies = new Map<string, Envelope>();
	for (const node of ['ship1', 'ship2']) {
		await put(signEnvelope(forged(node, 'replay'), alice, Date.now()));
		const stored = await insider.jsm.streams.getMessage(streams.commands(0), {
			last_by_subj: subjects.commandById(0, node, 'replay'),
		});
		const envelope = stored && parseEnvelope(stored.string());
		if (envelope) bodies.set(node, envelope);
		expect(await became(`${node}.replay`)).toContain('succeeded');
		await eventually(async () => (await commands.find(node, 'replay')) === undefined);
		// The centre has read the claim too, and will not write down again what is taken away here.
		await eventually(async () => {
			const { num_pending, num_ack_pending } = await insider.jsm.consumers.info(
				streams.claims,
				projectorConsumer,
			);
			return num_pending + num_ack_pending === 0;
		});
		await insider.jsm.streams.purge(streams.claims, { filter: subjects.claim(node, 'replay') });
		await insider.jsm.streams.purge('KV_steward-ledger', { filter: `$KV.steward-ledger.${node}.replay` });
	}
	expect([...bodies.keys()]).toEqual(['ship1', 'ship2']);
	for (const [node, envelope] of bodies) {
		await commands.enqueue(envelope, 'another', '');
		await eventually(async () => (await commands.find(node, 'replay')) === undefined);
	}
	expect(await effectsOf('replay')).toEqual(['ship1 replay', 'ship2 replay', 'ship2 replay']);
});

test('what was refused is not signed by an operator who sends many again', async () => {
	const again = await fleet.dead.replay({ node: 'ship1' });
	expect(again.length).toBeGreaterThan(4);
	expect(new Set(again.map(({ outcome }) => outcome))).toEqual(new Set(['refused']));
	expect(again[0]?.why).toContain('because of who sent it');
	await expect(fleet.retry(['ship1.unsigned'])).rejects.toThrow(/because of who sent it/);
});

test('what the broker made of an ended command is not signed anew by who retries it', async () => {
	const altered = async (node: string, id: string) => {
		await fleet.send({ toNode: node, kind: 'command', method: 'shellCommand', id, data: ['false'] });
		expect(await became(`${node}.${id}`)).toContain('failed held');
		const subject = `$KV.steward-results.${node}.${id}`;
		const kept = await insider.jsm.direct.getMessage('KV_steward-results', { last_by_subj: subject });
		const shell = JSON.stringify(effects.shell(`retried ${id}`));
		const text = kept?.string().replaceAll('["false"]', shell) ?? '';
		expect(text).toContain(shell);
		await insider.js.publish(subject, text);
	};
	await altered('ship1', 'kept');
	await expect(fleet.retry(['ship1.kept'])).rejects.toThrow(/is not what was signed/);
	// Who signs nothing takes the broker's word, and a ship that trusts everybody runs it.
	await altered('ship2', 'kept2');
	const topology = await requireTopology(insider);
	const unsigned = new Fleet(fleetParts(insider, topology, { clock: systemClock, author: 'nobody' }));
	const [again] = await unsigned.retry(['ship2.kept2']);
	await eventually(async () => (await effects.words()).includes('retried kept2'));
	expect(again?.node).toBe('ship2');
	expect(await effects.words()).not.toContain('retried kept');
});

test('a key that is taken off the list ends what it signed', async () => {
	const bob = parseCredentials((await readFile(await secure.credentialsFile('operator', 'bob'))).toString());
	const make = (id: string) => signEnvelope(forged('ship1', id), bob.key, Date.now());
	keys.push({ key: bob.key.publicKey, name: 'bob', role: 'operator' });
	await publishKeys();
	await put(make('bob1'));
	expect(await became('ship1.bob1')).toContain('succeeded');
	keys.pop();
	await publishKeys();
	await put(make('bob2'));
	expect(await became('ship1.bob2')).toContain('not in this node');
});

test('the centre keeps a line of each refusal that it was told of', async () => {
	const lines = await eventually(async () => {
		const text = await readFile(join(atCentral.dataDir, 'logs', 'audit.jsonl'), 'utf8').catch(() => '');
		return text !== '' && text.trimEnd().split('\n');
	});
	const [first] = lines.map(
		(line) => JSON.parse(line) as { sender: string; refusal: Record<string, unknown> },
	);
	expect(first).toMatchObject({
		sender: 'ship1',
		refusal: { code: 'untrusted', where: 'shellCommand', message: expect.stringContaining('not signed') },
	});
});

test('a report that its ship did not sign, or that was altered, is told as such', async () => {
	await put(signEnvelope(forged('ship1', 'honest'), alice, Date.now()));
	expect(await became('ship1.honest')).toContain('succeeded held');
	const body = reportBody();
	await insider.js.publish('steward.report.ship1.forged', body);
	expect(await became('ship1.forged')).toContain('succeeded none');
	const seal = { headers: await headersWith('Steward-Seal', 'of another') };
	await insider.js.publish('steward.report.ship1.resealed', body, seal);
	expect(await became('ship1.resealed')).toContain('succeeded broken');
});

test('a ship that is heard before its first state is waited for', async () => {
	const ship9 = await secure.credentials('node', 'ship9');
	const early = { subject: 'steward.report.ship9.early', data: reportBody() };
	const [seal = ''] = sealStatements(ship9.key, [early]);
	await insider.js.publish(early.subject, early.data, { headers: await headersWith('Steward-Seal', seal) });
	await eventually(async () => {
		const { num_ack_pending } = await insider.jsm.consumers.info(streams.reports, '_projector');
		return num_ack_pending > 0;
	});
	const known = await insider.jsm.streams.getMessage(streams.state, { last_by_subj: 'steward.state.ship1' });
	const state = { ...known?.json<object>(), node: 'ship9', jwt: ship9.jwt };
	await insider.js.publish('steward.state.ship9', JSON.stringify(state));
	expect(await became('ship9.early')).toContain('succeeded held');
});

function reportBody(): string {
	const facts = { method: 'shellCommand', lane: 'normal', sender: '_operator', digest: 'd', seq: 5 };
	return JSON.stringify({
		...{ v: 1, key: { epoch: 'forged', n: 1 }, event: 'succeeded', at: Date.now(), attempts: [] },
		facts: { ...facts, queuedAt: Date.now(), deliverWithinMs: null },
	});
}

async function headersWith(name: string, value: string) {
	const { headers } = await import('@nats-io/transport-node');
	const made = headers();
	made.set(name, value);
	return made;
}
