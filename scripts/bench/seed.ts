/**
 * Owns filling a broker for the measures of memory, as a process: with nodes that said their state once, or with a long ledger.
 * Promises what steward's own stores write; the last line that it writes says that it is done.
 * Cut off, it leaves a broker that nobody uses any more.
 */

import { openConnection } from '../../src/jetstream/connection.ts';
import { seedFleet } from '../../test/support/big-fleet.ts';
import { stateOf } from '../../test/support/seed-plan.ts';

const atOnce = 500;
const [url = '', what, ...counts] = process.argv.slice(2);
const [nodes = 0, second = 0] = counts.map(Number);

async function sayStates(count: number, before: number): Promise<void> {
	const { nc, js } = await openConnection({ servers: [url], name: 'seed' });
	const now = Date.now();
	for (let from = 1; from <= count; from += atOnce) {
		const places = Array.from({ length: Math.min(atOnce, count - from + 1) }, (_, n) => before + from + n);
		await Promise.all(
			places.map((place) =>
				js.publish(`steward.state.absent${place}`, JSON.stringify(stateOf(`absent${place}`, now))),
			),
		);
	}
	await nc.drain();
}

if (what === 'absent') await sayStates(nodes, second);
else await seedFleet(url, { nodes, commands: second });
process.stdout.write('seeded\n');
// Whoever started it ends it: what it has said has been read then.
setInterval(() => undefined, 60_000);
