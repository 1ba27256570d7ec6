import { expect, test } from 'vitest';
import { systemClock } from '../../src/base/clock.ts';
import { silentLog } from '../../src/base/log.ts';
import { Settler } from '../../src/central/settler.ts';
import type { FleetParts } from '../../src/client/parts.ts';
import { envelopeDigest, envelopeFor } from '../../src/domain/envelope.ts';
import { parseMessage } from '../../src/domain/message.ts';
import { formatHandle, type Handle, operatorSender } from '../../src/domain/names.ts';
import { streams } from '../../src/domain/subject.ts';
import type { Commands } from '../../src/jetstream/commands.ts';
import type { Connection } from '../../src/jetstream/connection.ts';
import { subjectsOf } from '../../src/jetstream/consumers.ts';
import { command, factsOf, fleetOn, writeEnd } from '../client/setup.ts';
import { startBroker } from '../jetstream/setup.ts';
import { manualClock } from '../support/clock.ts';
import { eventually } from '../support/eventually.ts';

/** Ids of the commands that are on their stream. */
async function leftOn(connection: Connection): Promise<string[]> {
	const subjects = await subjectsOf(connection, streams.commands(0), '>');
	return subjects.map((subject) => subject.slice(subject.lastIndexOf('.') + 1)).sort();
}

/** A settler, and the ids that it removes alone. */
function settlerOf({ commands, ledger }: FleetParts, purgeFront: Commands['purgeFront']) {
	const alone: string[] = [];
	const purge: Commands['purge'] = (node, id, seq) => {
		alone.push(id);
		return commands.purge(node, id, seq);
	};
	const settler = new Settler({
		...{ commands: { purge, purgeFront }, ledger, onForgotten: () => undefined, linkChanges: () => 0 },
		...{ clock: systemClock, log: silentLog },
	});
	return { settler, alone };
}

test('what the ledger calls final goes, together with what came again under its id; nothing else does', async () => {
	await using broker = await startBroker();
	const { connection } = broker;
	const { fleet, parts } = await fleetOn(connection);
	const forgotten: string[] = [];
	let refusals = 2;
	const settler = new Settler({
		commands: {
			purgeFront: () => Promise.reject(new Error('what the stream has shown is too old')),
			purge: async (...args) => {
				if (refusals-- > 0) throw new Error('the stream has no leader now');
				await parts.commands.purge(...args);
			},
		},
		...{ ledger: parts.ledger, onForgotten: (handle: Handle) => void forgotten.push(formatHandle(handle)) },
		...{ linkChanges: () => 0, clock: systemClock, log: silentLog },
	});
	const ids = Array.from({ length: 20 }, (_, place) => `c${10 + place}`);
	for (const id of [...ids, 'open', 'unknown']) await fleet.send(command({ id }));
	const handles = ids.map((id) => ({ node: 'ship1', id }));
	const facts = await Promise.all(handles.map((handle) => factsOf(parts, handle)));
	for (const [place, handle] of handles.entries()) {
		const known = facts[place];
		if (known) await writeEnd(parts, handle, known);
	}
	// The last one was sent again in the moment of its settling.
	const [last, lastFacts] = [handles.at(-1), facts.at(-1)];
	if (!last || !lastFacts) throw new Error('nothing was sent');
	await parts.commands.purge('ship1', last.id, lastFacts.seq);
	await fleet.send(command({ id: 'between' }));
	const envelope = envelopeFor(parseMessage(command({ id: last.id })), 'ship1', last.id, operatorSender);
	await parts.commands.enqueue(envelope, envelopeDigest(envelope), '');
	settler.settle({ ...last, facts: await factsOf(parts, last) });
	for (const handle of [...handles, { node: 'ship1', id: 'open' }, { node: 'ship1', id: 'unknown' }]) {
		settler.settle(handle);
	}
	await eventually(async () => (await leftOn(connection)).length === 3);
	expect(await leftOn(connection)).toEqual(['between', 'open', 'unknown']);
	expect(forgotten.sort()).toEqual(['ship1.open', 'ship1.unknown']);
	expect(refusals).toBeLessThan(0);
});

test('what a node begins with goes together; what the ledger does not call final keeps what lies behind it', async () => {
	await using broker = await startBroker();
	const { connection } = broker;
	const { fleet, parts } = await fleetOn(connection);
	const { settler, alone } = settlerOf(parts, (...args) => parts.commands.purgeFront(...args));
	const ids = Array.from({ length: 20 }, (_, place) => `c${10 + place}`);
	for (const id of ids) {
		await fleet.send(command({ id }));
		// Of another node: nobody says that they are over.
		await fleet.send(command({ id: `n${id}`, toNode: 'ship2' }));
	}
	const ended = ids.filter((id) => id !== 'c22');
	const handles = ended.map((id) => ({ node: 'ship1', id }));
	for (const handle of handles) await writeEnd(parts, handle, await factsOf(parts, handle));
	// In one turn, so that all of them are looked at together, however slow the machine is.
	for (const handle of handles) settler.settle(handle);
	await eventually(async () => (await leftOn(connection)).length === 21);
	const others = ids.map((id) => `n${id}`);
	expect(await leftOn(connection)).toEqual(['c22', ...others].sort());
	// Twelve went together, and the seven behind the one that is not over by their ids.
	expect(alone.sort()).toEqual(ids.slice(13));
});

test('what waited for its time goes by its id, with what is left of it where it waited', async () => {
	await using broker = await startBroker();
	const { connection } = broker;
	const { fleet, parts } = await fleetOn(connection);
	const { settler, alone } = settlerOf(parts, async () => {
		throw new Error('these are not asked for together');
	});
	const ids = Array.from({ length: 10 }, (_, place) => `c${10 + place}`);
	for (const id of ids) {
		await fleet.send(command({ id }));
		const facts = await factsOf(parts, { node: 'ship1', id });
		await writeEnd(
			parts,
			{ node: 'ship1', id },
			{ ...facts, accepted: { at: facts.queuedAt, seq: facts.seq } },
		);
		settler.settle({ node: 'ship1', id });
	}
	await eventually(async () => (await leftOn(connection)).length === 0);
	expect(alone.sort()).toEqual(ids);
});

test('nothing goes by a ledger that was read before the link was lost: behind the next one may be an older store', async () => {
	await using broker = await startBroker();
	const { connection } = broker;
	const { fleet, parts } = await fleetOn(connection);
	let changes = 0;
	const order: string[] = [];
	const settler = new Settler({
		commands: {
			purgeFront: async (node) => {
				order.push(`front of ${node}`);
				// While the first lane is looked at.
				changes += order.length === 2 ? 2 : 0;
				throw new Error('the link was lost');
			},
			purge: (node, id, seq) => {
				order.push(id);
				return parts.commands.purge(node, id, seq);
			},
		},
		ledger: {
			readMany: (handles) => {
				order.push('read');
				return parts.ledger.readMany(handles);
			},
		},
		...{ onForgotten: () => undefined, linkChanges: () => changes, clock: systemClock, log: silentLog },
	});
	const handles = ['ship1', 'ship2'].flatMap((node) =>
		Array.from({ length: 10 }, (_, place) => ({ node, id: `${node}-${place}` })),
	);
	for (const handle of handles) {
		await fleet.send(command({ id: handle.id, toNode: handle.node }));
		await writeEnd(parts, handle, await factsOf(parts, handle));
	}
	for (const handle of handles) settler.settle(handle);
	await eventually(async () => (await leftOn(connection)).length === 0);
	// Nothing between the loss and the next look into the ledger.
	expect(order.slice(0, 3)).toEqual(['read', 'front of ship1', 'read']);
});

test('what the ledger has just taken is not read there again; what it took long ago, or over another link, is', async () => {
	await using broker = await startBroker();
	const { connection } = broker;
	const { fleet, parts } = await fleetOn(connection);
	const time = manualClock();
	let [changes, lateMs] = [0, 0];
	const clock = { ...time, monotonic: () => time.monotonic() + lateMs };
	const read: string[][] = [];
	const settler = new Settler({
		commands: parts.commands,
		ledger: {
			readMany: (handles) => {
				read.push([...handles].sort());
				return parts.ledger.readMany(handles);
			},
		},
		...{ onForgotten: () => undefined, linkChanges: () => changes, clock, log: silentLog },
	});
	const end = async (id: string) => {
		const handle = { node: 'ship1', id };
		await fleet.send(command({ id }));
		return { handle, entry: await writeEnd(parts, handle, await factsOf(parts, handle)) };
	};
	const [first, moved, old, fresh] = [
		await end('first'),
		await end('moved'),
		await end('old'),
		await end('fresh'),
	];
	const isRemoved = (count: number) =>
		eventually(async () => {
			await time.advance(250);
			return (await leftOn(connection)).length === count;
		});
	settler.settle(first.handle, first.entry);
	await isRemoved(3);
	expect(read).toEqual([]);
	settler.settle(moved.handle, moved.entry);
	changes += 2;
	await isRemoved(2);
	expect(read).toEqual([['ship1.moved']]);
	settler.settle(old.handle, old.entry);
	lateMs += 1001;
	settler.settle(fresh.handle, fresh.entry);
	await isRemoved(0);
	expect(read).toEqual([['ship1.moved'], ['ship1.old']]);
});
