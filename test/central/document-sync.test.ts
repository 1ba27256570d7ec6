import { expect, test } from 'vitest';
import type { Fleet } from '../../src/client/fleet.ts';
import type { DocumentKind, SignedDocument } from '../../src/domain/document.ts';
import { newUserKey, signingKey } from '../../src/security/keys.ts';
import { eventually } from '../support/eventually.ts';
import { openFleet, startCentral, startNode } from '../support/fleet.ts';
import { startNats } from '../support/nats.ts';
import { openRaw } from '../support/raw.ts';
import { tempDir } from '../support/temp.ts';

const newRoot = () => signingKey(newUserKey().seed);
const listOf = (...roots: readonly { publicKey: string }[]) => ({
	roots: roots.map(({ publicKey }) => publicKey),
	keys: [],
});

function has(fleet: Fleet, kind: DocumentKind, node: string, version: number): Promise<unknown> {
	return eventually(
		async () => (await fleet.trust.nodes(kind)).find((one) => one.node === node)?.version === version,
		{ message: `${node} has version ${version} of the ${kind} list` },
	);
}

test.concurrent('nodes get what is published, keep it offline over a restart, and one that missed a change of roots comes there', async () => {
	await using nats = await startNats();
	await using _ = await startCentral(nats.url);
	await using fleet = await openFleet(nats.url);
	const [first, second] = [newRoot(), newRoot()];
	const node = { roots: [first.publicKey] };
	await using dir = await tempDir();
	await using open = await startNode(nats.url, 'open');
	expect(open.part.name).toBe('node open');
	const ship = await startNode(nats.url, 'ship1', { dataDir: dir.path, node });
	const rules = { rules: [{ allow: '*', role: 'operator' as const }] };
	await expect(fleet.trust.publish('access', rules, { roots: [first] })).rejects.toMatchObject({
		code: 'refused',
		message: expect.stringContaining('there is no trust list yet'),
	});
	await fleet.trust.publish('trust', listOf(first), { roots: [first], reason: 'to begin with' });
	await has(fleet, 'trust', 'ship1', 1);
	await fleet.trust.publish('access', rules, { roots: [first] });
	await has(fleet, 'access', 'ship1', 1);
	await ship.stop();
	// While it is away.
	await fleet.trust.publish('trust', listOf(first, second), { roots: [first] });
	await fleet.trust.publish('trust', listOf(second), { roots: [second] });
	await fleet.trust.publish('access', rules, { roots: [second] });
	await expect(fleet.trust.publish('trust', listOf(first), { roots: [first] })).rejects.toMatchObject({
		code: 'refused',
		message: expect.stringContaining('no node would believe it'),
	});
	await using back = await startNode(nats.url, 'ship1', { dataDir: dir.path, node });
	expect(back.part.name).toBe('node ship1');
	await has(fleet, 'trust', 'ship1', 3);
	await has(fleet, 'access', 'ship1', 2);
	// One that is enrolled with the first root only comes there as well.
	await using late = await startNode(nats.url, 'ship2', { node });
	expect(late.part.name).toBe('node ship2');
	await has(fleet, 'trust', 'ship2', 3);
	await has(fleet, 'access', 'ship2', 2);
	// A node where no root is pinned takes none, and is asked for nothing.
	expect((await fleet.trust.nodes('trust')).map((one) => one.node)).toEqual(['ship1', 'ship2']);
	expect((await fleet.list({ node: 'open' })).length).toBe(0);
	const history = await fleet.trust.history('trust');
	expect(history.map(({ version, reason }) => [version, reason])).toEqual([
		[1, 'to begin with'],
		[2, ''],
		[3, ''],
	]);
});

test.concurrent('an older or a foreign document that somebody puts on a control lane changes nothing, and neither does one in the bucket', async () => {
	await using nats = await startNats();
	await using _ = await startCentral(nats.url);
	await using fleet = await openFleet(nats.url);
	const root = newRoot();
	await using ship = await startNode(nats.url, 'ship1', { node: { roots: [root.publicKey] } });
	expect(ship.part.name).toBe('node ship1');
	const { documents: old } = await fleet.trust.publish('trust', listOf(root), { roots: [root] });
	await has(fleet, 'trust', 'ship1', 1);
	const again = await fleet.trust.publish('trust', listOf(root), { roots: [root] });
	expect(again).toMatchObject({ version: 1, isNew: false });
	await fleet.trust.publish('trust', listOf(root, newRoot()), { roots: [root], after: 1 });
	await has(fleet, 'trust', 'ship1', 2);
	await expect(fleet.trust.publish('trust', listOf(root), { roots: [root], after: 1 })).rejects.toMatchObject(
		{ code: 'refused', message: expect.stringContaining('somebody else') },
	);
	// Whoever may write to the bucket is no root: the centre brings it, the node refuses it.
	await using raw = await openRaw(nats.url);
	const stranger = newRoot();
	const forged: SignedDocument = { ...(old[0] as SignedDocument), version: 9, body: listOf(stranger) };
	const published = { v: 1, document: forged, rotations: [], by: 'mallory', reason: '' };
	await raw.connection.js.publish('$KV.steward-trust.trust', JSON.stringify(published));
	const wishes = () => fleet.list({ node: 'ship1', method: 'trust' });
	const refused = await eventually(async () => (await wishes()).find(({ state }) => state === 'failed'), {
		message: 'the node refuses what no root has signed',
	});
	const [why] = refused.attempts;
	expect(JSON.stringify(why)).toContain('no signature of a root');
	expect((await fleet.trust.nodes('trust'))[0]?.version).toBe(2);
});
