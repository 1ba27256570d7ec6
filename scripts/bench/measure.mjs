/**
 * Owns one measurement: one peer, one work, one tier, in a process of its own with servers of its own.
 * Promises that the last line of its standard output is JSON: figures, or the reason why there are none. A long work says on the way
 * what it has so far.
 * Its servers end with it; its folder is removed by whoever started it.
 *
 *     node measure.mjs '{"peer":"steward","work":"A","tier":"strict","size":"whole","folder":"…","programs":{…}}'
 */

import { runs } from './drive.mjs';
import * as raw from './peers/raw.mjs';
import { sizes, works } from './works.mjs';

/** Imported when it is measured: the others' packages may not be there. */
const peers = {
	steward: async () => (await import('./peers/steward.mjs')).start,
	raw: async () => raw.batched,
	plain: async () => raw.plain,
	protocol: async () => (await import('./peers/protocol.mjs')).start,
	bullmq: async () => (await import('./peers/bullmq.mjs')).start,
	'pg-boss': async () => (await import('./peers/pg-boss.mjs')).start,
	'graphile-worker': async () => (await import('./peers/graphile-worker.mjs')).start,
};

const { peer: name, work, tier, size, folder, ram, programs } = JSON.parse(process.argv[2]);
const { options } = works[work];

const say = (said, done) => process.stdout.write(`\n${JSON.stringify(said)}\n`, done);

/** What it has so far. */
let told = {};
function tell(figures) {
	told = { figures };
	say(told);
}

async function measure() {
	const start = await peers[name]();
	const peer = await start({ folder, ram, tier, programs, ...options });
	try {
		return { figures: await runs[work](peer, sizes[size], tell) };
	} finally {
		await peer.stop();
	}
}

const said = await measure().catch((error) => ({ ...told, error: error.stack ?? String(error) }));
say(said, () => process.exit(0));
