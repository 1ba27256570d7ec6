import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { systemClock } from '../../../src/base/clock.ts';
import { Fleet } from '../../../src/client/fleet.ts';
import { fleetParts } from '../../../src/client/parts.ts';
import type { MessageForm } from '../../../src/domain/message.ts';
import { closeConnection, openConnection } from '../../../src/jetstream/connection.ts';
import { requireTopology } from '../../../src/jetstream/topology.ts';
import type { Credentials } from '../../../src/security/credentials.ts';
import { signingKey } from '../../../src/security/keys.ts';
import { eventually } from '../../support/eventually.ts';
import { startCentral, startNode } from '../../support/fleet.ts';
import { type SecureNats, startSecureNats } from '../../support/secure-nats.ts';

/** A fleet of these credentials; `isBlind`: it does not look at the lists before it sends, as an attacker would not. */
async function fleetOf({ url }: SecureNats, credentials: Credentials, isBlind = false) {
	const connection = await openConnection({ servers: [url], name: 'test', credentials, timeoutMs: 30_000 });
	const author = credentials.name;
	const topology = await requireTopology(connection);
	const parts = fleetParts(connection, topology, { clock: systemClock, author, signer: credentials.key });
	return {
		fleet: new Fleet(isBlind ? { ...parts, access: undefined } : parts),
		[Symbol.asyncDispose]: () => closeConnection(connection, systemClock),
	};
}

const touch = (node: string, id?: string): MessageForm => ({
	...{ toNode: node, kind: 'command', method: 'shellCommand', data: ['true'] },
	...(id !== undefined && { id }),
});
const ping = (node: string, id?: string): MessageForm => ({ ...touch(node, id), method: 'ping', data: null });

test('who may not is denied at once and on the node, who may is let in, and a node speaks for itself only', async () => {
	await using nats = await startSecureNats();
	const root = signingKey(nats.keys.operator);
	const roots = [root.publicKey];
	const of = async (role: 'operator' | 'centre', name: string) => nats.credentials(role, name);
	const [alice, bob, centre] = [
		await of('operator', 'alice'),
		await of('operator', 'bob'),
		await of('centre', 'hub'),
	];
	const trusted = (credentials: Credentials, role: 'operator' | 'centre') => ({
		...{ key: credentials.key.publicKey, name: credentials.name, role },
	});
	await using _ = await startCentral(nats.url, {}, centre);
	const node = { roots };
	const shipOf = async (name: string) => ({ credentials: await nats.credentials('node', name) });
	await using ship1 = await startNode(nats.url, 'ship1', { ...(await shipOf('ship1')), node });
	await using ship2 = await startNode(nats.url, 'ship2', { ...(await shipOf('ship2')), node });
	// The control: here the defence is off.
	await using open = await startNode(nats.url, 'open', await shipOf('open'));
	expect([ship1, ship2, open].map(({ part }) => part.name)).toHaveLength(3);
	await using alices = await fleetOf(nats, alice);
	const { trust } = alices.fleet;
	const keys = [trusted(alice, 'operator'), trusted(bob, 'operator'), trusted(centre, 'centre')];
	await trust.publish('trust', { roots, keys }, { roots: [root] });
	const rules = [
		{ allow: '*', issuer: 'alice', role: 'operator' as const },
		{ allow: 'control/*', role: 'centre' as const },
		{ allow: 'ping', sender: 'ship2', nodes: 'ship1' },
		{ deny: 'shellCommand', issuer: 'bob', note: 'bob looks and does not touch' },
		{ allow: 'event/*', nodes: 'central' },
	];
	await trust.publish('access', { rules }, { roots: [root] });
	for (const kind of ['trust', 'access'] as const) {
		await eventually(
			async () => (await trust.nodes(kind)).filter(({ version }) => version === 1).length === 2,
			{ message: `both ships have the ${kind} list` },
		);
	}

	// Early, and where nobody looks before: on the node.
	await using bobs = await fleetOf(nats, bob);
	await expect(bobs.fleet.send(touch('ship1'))).rejects.toMatchObject({
		code: 'denied',
		details: { rule: 4, note: 'bob looks and does not touch', issuer: 'bob' },
	});
	await using blind = await fleetOf(nats, bob, true);
	const [refused] = await blind.fleet.wait(
		(await blind.fleet.send(touch('ship1'))).map(({ handle }) => handle),
	);
	expect(refused).toMatchObject({ state: 'rejected' });
	expect(JSON.stringify(refused)).toContain(
		'bob (operator) may not call shellCommand on ship1: rule 4 denies it',
	);
	const [paused] = await Promise.allSettled([bobs.fleet.pause('ship1')]);
	expect(paused).toMatchObject({ status: 'rejected', reason: { code: 'denied', details: { rule: null } } });
	const handles = (await alices.fleet.send(touch('ship1'))).map(({ handle }) => handle);
	handles.push(...(await blind.fleet.send(touch('open'))).map(({ handle }) => handle));
	const ran = await alices.fleet.wait(handles, { timeoutMs: 60_000 });
	expect(ran.map(({ state }) => state)).toEqual(['succeeded', 'succeeded']);

	// A node, through the centre, which vouches for who sent it.
	const forms = [ping('ship1', 'may'), touch('ship1', 'mayNot'), ping('open', 'mayElsewhere')];
	await writeFile(join(ship2.dataDir, 'inmsg.txt'), JSON.stringify(forms));
	const [answered, elsewhere] = await eventually(
		async () => {
			const views = [await alices.fleet.get('ship1.may'), await alices.fleet.get('open.mayElsewhere')];
			return views.every((view) => view?.state === 'succeeded') && views;
		},
		{ message: 'what ship2 may send has run' },
	);
	expect([answered?.sender, elsewhere?.sender]).toEqual(['ship2', 'ship2']);
	const letter = await eventually(
		async () =>
			(await alices.fleet.dead.list({ node: 'ship1' })).find(({ handle }) => handle === 'ship1.mayNot'),
		{ message: 'what ship2 may not send is a dead letter' },
	);
	// It was not queued at all.
	expect(await alices.fleet.get('ship1.mayNot')).toBeUndefined();
	expect(letter.fault).toMatchObject({
		code: 'denied',
		message: expect.stringContaining('ship2 (node) may not call'),
	});

	// Nor does somebody else send it again, when what kept it out as well is over.
	await alices.fleet.decommission('ship1');
	await writeFile(join(ship2.dataDir, 'inmsg.txt'), JSON.stringify([touch('ship1', 'whileOut')]));
	await eventually(
		async () =>
			(await alices.fleet.dead.list({ node: 'ship1' })).some(({ handle }) => handle === 'ship1.whileOut'),
		{ message: 'what came while ship1 was out of service is a dead letter' },
	);
	expect(await alices.fleet.recommission('ship1')).toBe(true);
	const [again] = await alices.fleet.dead.replay(['ship1.whileOut']);
	expect(again).toMatchObject({ outcome: 'refused', why: expect.stringContaining('who sent it') });
});
