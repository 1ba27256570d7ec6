/**
 * Owns running one node as a process of its own, from the compiled sources: `node node-runner.mjs <JSON>`.
 * Promises `ready` on stdout when it runs, an orderly stop at SIGTERM, and exit code 20 when it could not go on.
 * Started by node-process.ts.
 */

import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

const { buildDir, name, config, dataDir, nameQuietMs, ...given } = JSON.parse(process.argv[2] ?? '{}');
let { clockOffsetMs } = given;
const { Node, compileConfig, createLog, systemClock } = await import(
	pathToFileURL(join(buildDir, 'bin/node-program.js')).href
);
const node = new Node({
	name,
	config: compileConfig([config]),
	dataDir,
	version: 'test',
	env: process.env,
	cwd: dataDir,
	runtimeDir: dataDir,
	...(nameQuietMs === undefined ? {} : { nameQuietMs }),
	clock: { ...systemClock, now: () => systemClock.now() + clockOffsetMs },
	log: await createLog({ level: 'info', pretty: false }),
	random: Math.random,
});
/** The process ends by itself, unless the node left something open. */
const end = async (code) => {
	await node.stop();
	process.exitCode = code;
	process.removeAllListeners('disconnect');
	process.disconnect();
};
node.onFailure(() => void end(20));
process.on('SIGTERM', () => void end(0));
process.on('message', (message) => {
	clockOffsetMs = message.clockOffsetMs;
});
// The test is gone: so are we.
process.on('disconnect', () => process.exit(1));
try {
	await node.start();
	process.stdout.write('ready\n');
} catch (error) {
	process.stderr.write(`${error.code}: ${error.message}\n`);
	process.exit(21);
}
