import { expect, test } from 'vitest';
import { nodeState } from '../client/setup.ts';
import { eventually } from '../support/eventually.ts';
import { openFleet, startCentral } from '../support/fleet.ts';
import { startNats } from '../support/nats.ts';
import { openRaw } from '../support/raw.ts';

test('ships that say as much of themselves as a message holds keep nobody from the list of nodes', async () => {
	await using nats = await startNats();
	await using _central = await startCentral(nats.url);
	await using fleet = await openFleet(nats.url);
	await using raw = await openRaw(nats.url);
	const say = async (node: string, more: object) => {
		const state = { ...nodeState(node, { role: node }), ...more };
		await raw.connection.nc.request(`steward.state.${node}`, JSON.stringify(state));
	};
	const run = { id: 'x', method: 'm', lane: 'normal', startedAt: 0, attempt: 1 };
	const method = { name: 'm', kind: 'command', data: { description: 'd'.repeat(1000) } };
	await say('ship0', {});
	await say('ship1', { running: Array.from({ length: 12_000 }, () => run) });
	await say('ship2', { methods: Array.from({ length: 900 }, () => method) });
	await say('ship3', {
		labels: Object.fromEntries(Array.from({ length: 4000 }, (_, n) => [`k${n}`, 'v'.repeat(200)])),
	});
	await say('ship4', { version: 'v'.repeat(1_000_000) });
	await say('ship5', { unreported: Array.from({ length: 90_000 }, () => 'x'.repeat(6)) });
	await say('ship6', {});
	const names = ['ship0', 'ship1', 'ship2', 'ship3', 'ship4', 'ship5', 'ship6'];
	const views = await eventually(async () => {
		const found = await fleet.nodes();
		return found.length === names.length && found;
	});
	expect(views.map(({ node }) => node)).toEqual(names);
	for (const node of names) expect((await fleet.node(node))?.node).toBe(node);
	expect(views[0]?.labels).toEqual({ role: 'ship0' });
	expect(views[6]?.labels).toEqual({ role: 'ship6' });
});
