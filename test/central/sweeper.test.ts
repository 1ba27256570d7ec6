import { expect, test } from 'vitest';
import { silentLog } from '../../src/base/log.ts';
import { CentreIndex } from '../../src/central/index.ts';
import { Sweeper } from '../../src/central/sweeper.ts';
import { foldClaim } from '../../src/domain/ledger.ts';
import { formatHandle } from '../../src/domain/names.ts';
import { cancelled, command, factsOf, fleetOn } from '../client/setup.ts';
import { disposables } from '../support/disposables.ts';
import { eventually } from '../support/eventually.ts';
import { startCentral } from '../support/fleet.ts';
import { startNats } from '../support/nats.ts';
import { openRaw } from '../support/raw.ts';

/** A broker that a centre has set up, and an index of its own. */
async function fleetWithIndex(things: ReturnType<typeof disposables>) {
	const nats = things.use(await startNats());
	await (await startCentral(nats.url)).stop();
	const { connection } = things.use(await openRaw(nats.url));
	const { fleet, parts } = await fleetOn(connection);
	const index = new CentreIndex(connection, 1);
	await index.start();
	things.use({ [Symbol.asyncDispose]: () => index.stop() });
	return { connection, fleet, parts, index };
}

test('a claim stays while its command is on its stream, though the ledger calls that final and the index knows nothing of it', async () => {
	await using things = disposables();
	const { connection, fleet, parts, index } = await fleetWithIndex(things);
	const { claims, commands, ledger, serverNow } = parts;
	const handle = { node: 'ship1', id: 'a' };
	await fleet.send(command({ id: 'a' }));
	await eventually(() => index.waiting.get('ship1')?.has('a') === true);
	// The leader closes it, calls it final, and dies before it is removed.
	const facts = await factsOf(parts, handle);
	await claims.write(handle, cancelled(facts));
	const settledAt = facts.queuedAt + 1000;
	await ledger.write(foldClaim(handle, undefined, cancelled(facts)), 0, undefined, settledAt);
	await eventually(() => index.isComplete && index.ledger.get('ship1.a')?.settledAt === settledAt);

	const settled: string[] = [];
	const settler = { settle: (one: { node: string; id: string }) => void settled.push(formatHandle(one)) };
	const sweeper = new Sweeper({
		...{ connection, index, claims, commands, settler, claimRetentionMs: 0, log: silentLog },
		serverNow: () => serverNow() + 60_000,
	});
	expect((await sweeper.runOnce()).claims).toBe(0);
	expect(await claims.read(handle)).toMatchObject({ event: 'cancelled' });
	expect(settled).toEqual(['ship1.a']);

	await commands.purge('ship1', 'a', facts.seq);
	expect((await sweeper.runOnce()).claims).toBe(1);
	expect(await claims.read(handle)).toBeUndefined();
});

test('claims of one node go together, save those of commands that are still on their stream', async () => {
	await using things = disposables();
	const { connection, fleet, parts, index } = await fleetWithIndex(things);
	const { claims, commands, ledger, serverNow } = parts;
	const ids = Array.from({ length: 12 }, (_, place) => `c${10 + place}`);
	let settledAt = 0;
	for (const id of ids) {
		const handle = { node: 'ship1', id };
		await fleet.send(command({ id }));
		const facts = await factsOf(parts, handle);
		settledAt = facts.queuedAt + 1000;
		await claims.write(handle, cancelled(facts));
		await ledger.write(foldClaim(handle, undefined, cancelled(facts)), 0, undefined, settledAt);
		// The eleventh is still there.
		if (id !== 'c20') await commands.purge('ship1', id, facts.seq);
	}
	await eventually(() => index.isComplete && index.ledger.get('ship1.c21')?.settledAt === settledAt);
	const settled: string[] = [];
	let alone = 0;
	const sweeper = new Sweeper({
		...{ connection, index, commands, claimRetentionMs: 0, log: silentLog },
		claims: {
			purge: (handle) => {
				alone += 1;
				return claims.purge(handle);
			},
			purgeFront: (...args) => claims.purgeFront(...args),
		},
		settler: { settle: (one: { node: string; id: string }) => void settled.push(formatHandle(one)) },
		serverNow: () => serverNow() + 60_000,
	});
	expect((await sweeper.runOnce()).claims).toBe(10);
	expect(alone).toBe(0);
	// Too few to go together: one by one, and the other stays with its command.
	expect((await sweeper.runOnce()).claims).toBe(1);
	expect(alone).toBe(1);
	expect(settled).toEqual(['ship1.c20']);
	const left = await claims.readMany(ids.map((id) => ({ node: 'ship1', id })));
	expect([...left.keys()]).toEqual(['ship1.c20']);
});
