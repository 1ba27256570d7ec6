/**
 * Owns a process with many nodes in it, each steward's own, with a journal, an outbox and a connection of its own.
 * Promises to say `started` once all of them run; they look for the broker by themselves, as every node does.
 * Ends with whoever started it, as a crash of all of them; its folder is removed by that one.
 *
 *     node ships.mjs '{"servers":"nats://…","names":["node0"],"folder":"…"}'
 */

import { join } from 'node:path';
import { systemClock } from '../../dist/base/clock.js';
import { silentLog } from '../../dist/base/log.js';
import { compileConfig } from '../../dist/domain/config.js';
import { Node } from '../../dist/node/node.js';

const { servers, names, folder } = JSON.parse(process.argv[2]);

function startOne(name) {
	const dataDir = join(folder, name);
	const config = compileConfig([{ servers, data: dataDir }]);
	const about = { name, config, dataDir, version: 'bench', env: {}, cwd: folder, runtimeDir: dataDir };
	const node = new Node({ ...about, clock: systemClock, log: silentLog, random: Math.random });
	node.onFailure((error) => {
		console.error(error);
		process.exit(1);
	});
	return node.start();
}

await Promise.all(names.map(startOne));
console.log('started');
