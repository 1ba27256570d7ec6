/**
 * Owns the acts of sabotage: what is broken in the product, as text that is replaced in its sources.
 * Promises that each takes away one line of defence, and leaves the rest of the product at work.
 * Data; a source that has moved on is said by the builder.
 */

import type { Mutation } from './mutant.ts';

/** The outbox keeps nothing for this stream: what is to be sent goes out at once, or is forgotten. */
function withoutOutbox(stream: 'reports' | 'intake'): readonly Mutation[] {
	const file = 'node/store/outbox.ts';
	return [
		{
			file,
			find: 'import type { PublishRequest, Seal }',
			replace: 'import { Publisher, type PublishRequest, type Seal }',
		},
		{
			file,
			find: "writes.put('outbox', key, entry);",
			replace: `const { connection } = this.#link;
		if (entry.stream !== streams.${stream}) writes.put('outbox', key, entry);
		else if (connection) {
			const publisher = new Publisher(connection, { stream: entry.stream, mayLookUp: false });
			publisher.publish(entry.request).catch(() => undefined);
		}`,
		},
	];
}

/** Every centre takes itself for the leader, whatever the lease says. */
const everyoneLeads: Mutation = {
	file: 'jetstream/lease.ts',
	find: 'return this.heldForMs > 0;',
	replace: 'return true;',
};

export const mutations = {
	acksBeforeJournal: [
		{
			file: 'node/delivery/settlement.ts',
			find: `		await this.#record({ id: turn.id, facts: turn.command.facts, spends: turn.spends }, ending);
		await this.acknowledge(turn);`,
			replace: `		await this.acknowledge(turn);
		await this.#record({ id: turn.id, facts: turn.command.facts, spends: turn.spends }, ending);`,
		},
	],
	looksIntoNoJournal: [
		{
			file: 'node/delivery/command-pipeline.ts',
			find: 'if (!entry) return this.#forgetOther(turn);',
			replace: 'return undefined;',
		},
	],
	leavesOldGroups: [
		{
			file: 'node/node-delivery.ts',
			find: 'await endProcessGroup(leader, { clock, graceMs: leftoverGraceMs });',
			replace: 'void leader;',
		},
	],
	reportsWithoutOutbox: withoutOutbox('reports'),
	acceptsWithoutOutbox: withoutOutbox('intake'),
	startsBeforeClaim: [
		{
			file: 'node/delivery/command-pipeline.ts',
			find: "return claimant.claim(turn, { event: 'started' }, policy, stopping);",
			replace: `void claimant.claim(turn, { event: 'started' }, policy, stopping);
		return { go: 1 };`,
		},
	],
	projectorAcksFirst: [
		{
			file: 'central/projector.ts',
			find: `			const entry = await this.#write({ ...group, statements }, record);
			for (const { delivery } of statements) delivery.ack();`,
			replace: `			for (const { delivery } of statements) delivery.ack();
			const entry = await this.#write({ ...group, statements }, record);`,
		},
	],
	everyoneLeads: [everyoneLeads],
	everyoneLeadsUnfenced: [
		everyoneLeads,
		{
			file: 'jetstream/ledger-store.ts',
			find: '				expectRevision: revision,\n',
			replace: '',
		},
	],
} as const satisfies Readonly<Record<string, readonly Mutation[]>>;
