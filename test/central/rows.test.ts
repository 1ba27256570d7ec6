import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Answers } from '../../src/central/answers.ts';
import { stateOf } from '../../src/central/index-listeners.ts';
import { FleetRows } from '../../src/central/rows.ts';
import { formatHandle } from '../../src/domain/names.ts';
import { failingForMs, isFailing } from '../../src/domain/row.ts';
import type { Totals } from '../../src/domain/row-schema.ts';
import type { CommandState } from '../../src/domain/state.ts';
import { LedgerStore } from '../../src/jetstream/ledger-store.ts';
import { connectionOfFile } from '../support/file-connection.ts';
import { HeardIndex, heardStep } from '../support/heard-index.ts';

const connection = connectionOfFile();

/** Looks at every command, as the counts never do. */
function counted({ index, now }: HeardIndex, node?: string) {
	const waiting = [...index.waiting.values()].flatMap((ofNode) => [...ofNode.values()]);
	const stored = [...waiting, ...index.later.commands()];
	const handles = new Set([...index.ledger.keys(), ...stored.map(formatHandle)]);
	const known = [...handles]
		.filter((handle) => node === undefined || handle.startsWith(`${node}.`))
		.map((handle) => ({ handle, command: index.known(handle) }));
	const queuedAt = waiting
		.filter((one) => (node === undefined || one.node === node) && !index.ledger.has(formatHandle(one)))
		.map(({ facts }) => facts.queuedAt);
	const states: Partial<Record<CommandState, number>> = {};
	for (const { command } of known) {
		if (command) states[stateOf(command)] = (states[stateOf(command)] ?? 0) + 1;
	}
	const failing = known.filter(({ handle }) => {
		const summary = index.ledger.get(handle);
		if (!summary || !isFailing(summary.state) || summary.settledAt === null) return false;
		return summary.settledAt + failingForMs > now;
	});
	const oldest = queuedAt.length === 0 ? null : new Date(Math.min(...queuedAt)).toISOString();
	return { queued: queuedAt.length, oldestQueuedAt: oldest, states, failing: failing.length };
}

function nonZero(states: Totals['commands']) {
	return Object.fromEntries(Object.entries(states).filter(([, count]) => count !== 0));
}

test('counts are those of a look at every command, and rows say what the views of nodes say, whatever is heard', async () => {
	await fc.assert(
		fc.asyncProperty(fc.array(heardStep, { maxLength: 60 }), async (steps) => {
			const heard = new HeardIndex(connection());
			for (const one of steps) heard.do(one);
			heard.rows.expire();
			const answers = new Answers(heard.index, new LedgerStore(connection()), () => heard.now);
			const { items: views } = await answers.nodes({});
			expect([...heard.rows.names()].sort()).toEqual(views.map(({ node }) => node));
			expect((await answers.rows({})).items).toEqual(views.map(({ node }) => heard.rows.row(node)));
			for (const view of views) {
				const row = heard.rows.row(view.node);
				const { states: _, ...counts } = counted(heard, view.node);
				expect(row).toMatchObject(counts);
				expect(row).toMatchObject({ presence: view.presence, since: view.since, queued: view.queued });
				expect(row.running).toBe(view.running.length);
			}
			const totals = heard.rows.totals();
			const all = counted(heard);
			expect(nonZero(totals.commands)).toEqual(all.states);
			expect(totals.oldestQueuedAt).toBe(all.oldestQueuedAt);
			expect(totals.nodes.known).toBe(views.length);
			expect(totals.nodes.present).toBe(views.filter(({ presence }) => presence === 'present').length);
			// Whoever begins now counts the same.
			const late = new FleetRows(heard.index, () => heard.now);
			expect(late.totals()).toEqual(totals);
			for (const { node } of views) expect(late.row(node)).toEqual(heard.rows.row(node));
		}),
		{ numRuns: 300 },
	);
});
