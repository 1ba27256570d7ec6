import { expect, test } from 'vitest';
import { newUserKey, signingKey } from '../../src/security/keys.ts';
import { eventually } from '../support/eventually.ts';
import { openFleet, startCentral } from '../support/fleet.ts';
import { startNats } from '../support/nats.ts';
import { openRaw } from '../support/raw.ts';
import { nodeState } from './setup.ts';

test('a node that says it has a version beyond all others keeps nobody from publishing', async () => {
	await using nats = await startNats();
	await using _ = await startCentral(nats.url);
	await using fleet = await openFleet(nats.url);
	await using raw = await openRaw(nats.url);
	const said = async (node: string, version: number) => {
		const state = { ...nodeState(node), trust: { version }, access: { version: 0 } };
		await raw.connection.js.publish(`steward.state.${node}`, JSON.stringify(state));
		await eventually(
			async () =>
				(await fleet.trust.nodes('trust')).some((one) => one.node === node && one.version === version),
			{ message: `${node} is heard` },
		);
	};
	await said('honest', 7);
	await said('stolen', Number.MAX_SAFE_INTEGER);
	const root = signingKey(newUserKey().seed);
	const list = { roots: [root.publicKey], keys: [] };
	const first = await fleet.trust.publish('trust', list, { roots: [root] });
	// What a broker that lost its store has to go by.
	expect(first.version).toBe(8);
	const rules = [{ allow: '*', role: 'operator' as const }];
	await fleet.trust.publish('access', { rules }, { roots: [root] });
	const other = { ...list, roots: [root.publicKey, signingKey(newUserKey().seed).publicKey] };
	expect((await fleet.trust.publish('trust', other, { roots: [root] })).version).toBe(9);
	expect((await fleet.trust.get('trust'))?.body).toEqual(other);
});
